"""Renders templates: one environment a language, everything escaped."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from controller.accounts.roles import Permission
from controller.web import assets
from controller.web.formats import Formats
from controller.web.i18n import Language, Translator, language_of, translator
from schedules.types import VIETNAM

TEMPLATES = Path(__file__).parent / "templates"
EXTENSIONS = ("jinja2.ext.i18n",)


@cache
def environment(language: Language) -> Environment:
    """The templates of one language."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=EXTENSIONS,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    t = translator(language)
    env.install_gettext_callables(t.gettext, t.ngettext, newstyle=True)  # type: ignore[attr-defined]  # from the extension
    env.globals["ngettext"] = t.counted
    env.globals["asset"] = assets.address
    env.globals["languages"] = tuple(Language)
    return env


@dataclass(frozen=True)
class Page:
    """One answer being made: whose language, which clock, what moment."""

    request: Request
    formats: Formats
    now: datetime
    may: frozenset[Permission] = frozenset()
    """What the reader may do: links to pages that would refuse them are left out."""
    contact: str = ""
    """Whom the reader's area names to be asked."""

    @classmethod
    def of(
        cls,
        request: Request,
        *,
        zone: str = VIETNAM,
        now: datetime | None = None,
        may: frozenset[Permission] = frozenset(),
        contact: str = "",
    ) -> "Page":
        """The page a request asks for."""
        return cls(
            request, Formats(translator(language_of(request)), ZoneInfo(zone)), now or datetime.now(UTC), may, contact
        )

    @property
    def t(self) -> Translator:
        """The reader's language."""
        return self.formats.t

    @property
    def partial(self) -> bool:
        """Whether a part of a page was asked for by htmx, not a whole one."""
        return self.request.headers.get("hx-request") == "true"

    def text(self, template: str, values: Mapping[str, object]) -> str:
        """Render to text."""
        return (
            environment(self.t.language)
            .get_template(template)
            .render(
                values,
                f=self.formats,
                now=self.now,
                language=self.t.language,
                may=self.may,
                contact=self.contact,
                path=self.request.url.path,
            )
        )

    def markup(self, template: str, values: Mapping[str, object]) -> Markup:
        """Render to a piece of another template."""
        return Markup(self.text(template, values))  # noqa: S704 our own template, its values escaped

    def html(self, template: str, /, status: int = 200, **values: object) -> HTMLResponse:
        """Render to a response."""
        return HTMLResponse(self.text(template, values), status_code=status, headers={"Cache-Control": "no-store"})
