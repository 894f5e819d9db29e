"""The pages themselves: read the request, call a capability's service, fill a view, render."""

from fastapi import APIRouter

from controller.web import assets
from controller.web.pages import (
    account,
    alert_tests,
    announce,
    approvals,
    audit,
    cap,
    emergency,
    enrolment,
    language,
    live,
    openid,
    people,
    places,
    playlists,
    pronunciations,
    records,
    rules,
    sign_in,
    signals,
    speaker,
    speakers,
    standing,
    today,
)

PAGES: tuple[APIRouter, ...] = (
    assets.router,
    language.router,
    sign_in.router,
    openid.router,
    people.router,
    cap.router,
    places.router,
    account.router,
    today.router,
    announce.router,
    playlists.router,
    approvals.router,
    alert_tests.router,
    standing.router,
    emergency.router,
    rules.router,
    records.router,
    audit.router,
    pronunciations.router,
    signals.router,
    enrolment.router,
    live.router,
    speakers.router,
    speaker.router,  # the last: any word may be a speaker's code
)
