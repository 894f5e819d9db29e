"""An entry of the trail as a sentence: "lan đổi giờ bắt đầu 05:00 → 17:00"."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from controller.audit.models import AuditEntry
from controller.audit.registry import SHARED_KINDS
from controller.audit.values import HIDDEN
from controller.web.formats import Formats
from controller.web.i18n import Translator
from controller.web.present.audit_words import MOMENTS, field_names, value_names
from controller.web.present.tone import Tone


@dataclass(frozen=True)
class ChangeView:
    """One field, before and after, in words."""

    field: str
    before: str
    after: str


@dataclass(frozen=True)
class EntryView:
    """One entry of the trail."""

    number: int
    at: datetime
    actor: str
    sentence: str
    """What was done, without who did it."""
    thing: str
    thing_url: str
    address: str
    tone: Tone
    changes: tuple[ChangeView, ...] = ()


@dataclass(frozen=True)
class TrailView:
    """A page of the trail with the filters that led to it."""

    rows: tuple[EntryView, ...]
    of: str = ""
    """The one thing that it is about; empty: everything."""
    kinds: tuple[tuple[str, str], ...] = ()
    kind: str = ""
    actor: str = ""
    day: str = ""
    next_page: str = ""


_TONES = {
    "created": Tone.GOOD,
    "removed": Tone.OFF,
    "cancelled": Tone.OFF,
    "refused": Tone.BAD,
    "sign_in_failed": Tone.BAD,
    "pruned": Tone.WARN,
}
_PARTS_SHOWN = 6


def entry_view(row: AuditEntry, formats: Formats, *, with_address: bool) -> EntryView:
    """Show one entry."""
    t, changes = formats.t, json.loads(row.changes)
    shared = row.kind in SHARED_KINDS and row.key
    return EntryView(
        number=row.number,
        at=datetime.fromisoformat(row.at),
        actor=_actor(row, t),
        sentence=_sentence(row, t),
        thing=row.label or row.key,
        thing_url=f"/audit/{row.kind}/{quote(row.key, safe='')}" if shared else "",
        address=row.address if with_address else "",
        tone=_TONES.get(row.action, Tone.WAIT),
        changes=tuple(_change(name, sides, formats) for name, sides in changes.items() if any(map(_says, sides))),
    )


def kind_text(kind: str, t: Translator) -> str:
    """What sort of thing it is."""
    return {
        "schedule": t("schedule"),
        "playlist": t("playlist"),
        "announcement": t("announcement"),
        "device": t("speaker"),
        "group": t("group"),
        "photo": t("photo of the speaker"),
        "incident": t("incident"),
        "area": t("area"),
        "pronunciation": t("pronunciation"),
        "standing_message": t("standing message"),
        "alert": t("alert"),
        "cap_sender": t("CAP sender"),
        "cap_feed": t("CAP feed"),
        "live_session": t("live session"),
        "user": t("user"),
        "token": t("API token"),
        "second_factor": t("second factor"),
        "refusal": t("refusal"),
        "signing_key": t("signing key"),
        "subscription": t("calendar address"),
        "certificate": t("certificate"),
        "application": t("unknown speaker"),
        "audit": t("trail"),
    }.get(kind, kind)


def _actor(row: AuditEntry, t: Translator) -> str:
    if row.actor:
        return row.actor
    return t("Somebody who was not signed in")


def _sentence(row: AuditEntry, t: Translator) -> str:
    kind = kind_text(row.kind, t)
    known = {
        "created": t("made the %(kind)s", kind=kind),
        "changed": t("changed the %(kind)s", kind=kind),
        "removed": t("removed the %(kind)s", kind=kind),
        "cancelled": t("called off one airing of the schedule"),
        "taken_back": t("let one airing of the schedule air that was called off"),
        "ordered": t("gave an order to the speaker"),
        "code_issued": t("issued a one-time code for the speaker"),
        "link_issued": t("issued a one-time link for the user"),
        "identity_linked": t("linked the user with the identity provider"),
        "approved": t("approved the schedule"),
        "loaded": t("loaded the list of areas"),
        "signed_in": t("signed in"),
        "signed_out": t("ended sign-ins"),
        "sign_in_failed": t("failed to sign in"),
        "refused": {
            "alert": t("was refused the release of the alert"),
            "announcement": t("was refused a change of the announcement"),
        }.get(row.kind, t("was refused")),
        "pruned": t("removed exported entries from the trail"),
    }
    return known.get(row.action, f"{row.action} ({kind})")


def _says(value: object) -> bool:
    """Whether it is more than nothing: what was never filled in is not told of a new thing."""
    return value not in (None, "", [], {})


def _change(name: str, sides: list[object], formats: Formats) -> ChangeView:
    before, after = (*sides, None, None)[:2]
    if name == "first_local" and isinstance(before, str) and isinstance(after, str):
        day, other_day = before.partition("T")[0], after.partition("T")[0]
        if day == other_day:  # only the hour moved: the day would hide it
            return ChangeView(_field(name, formats.t), before[11:16], after[11:16])
    return ChangeView(_field(name, formats.t), _value(name, before, formats), _value(name, after, formats))


def _field(name: str, t: Translator) -> str:
    group, _, rest = name.partition(".")
    whole = field_names(t).get(group, group.replace("_", " "))
    return f"{whole}: {rest.replace('_', ' ')}" if rest else whole


def _value(name: str, value: object, formats: Formats) -> str:  # noqa: PLR0911 one a kind of value
    t = formats.t
    match value:
        case None | "":
            return "–"
        case True:
            return t("yes")
        case False:
            return t("no")
        case int() | float():
            return formats.number(value, 6)
        case str():
            return t("hidden") if value == HIDDEN else _text(name, value, formats)
        case {"begins": str(begins), "length": int(length)}:
            return t("%(begins)s… (%(n)s characters)", begins=begins, n=length)
        case Mapping():
            return _named(value)
        case list():
            shown = [_value(name, each, formats) for each in value[:_PARTS_SHOWN]]
            more = len(value) - len(shown)
            return "; ".join(shown) + (t(" and %(n)s more", n=more) if more else "") if shown else "–"
        case _:
            return str(value)


def _named(value: Mapping[str, object]) -> str:
    """What something consists of: its plain parts."""
    if value.keys() == {"device_id"}:
        return str(value["device_id"])
    return ", ".join(str(part) for part in value.values() if isinstance(part, str | int | float))


def _text(name: str, value: str, formats: Formats) -> str:
    known = value_names(formats.t)
    if (name, value) in known:
        return known[name, value]
    if name.endswith("_local"):
        return f"{datetime.fromisoformat(value):%H:%M %d/%m/%Y}"
    if name.endswith("_at") or name in MOMENTS:
        at = datetime.fromisoformat(value)
        return f"{formats.clock(at)} {formats.short_day(at)}"
    return value
