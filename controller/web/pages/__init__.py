"""The pages themselves: read the request, call a capability's service, fill a view, render."""

from fastapi import APIRouter

from controller.web import assets
from controller.web.pages import language, live, sign_in

PAGES: tuple[APIRouter, ...] = (
    assets.router,
    language.router,
    sign_in.router,
    live.router,
)
