"""SQL of the area tree."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Select, func, select

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.policy import (
    ApprovalAsked,
    AreaPolicy,
    ReleaseRule,
    SilentTest,
    approval_asked,
    effective_policy,
    release_rule,
    silent_test,
)
from controller.areas.tree import ROOT_CODE, ancestors, within
from controller.audit.capture import NOTED_APART, note
from controller.audit.chain import Deed
from controller.database import insert_into
from controller.repository import Repository
from schedules.types import SpeakerPolicy

_ROWS_AT_A_TIME = 1000


class AreaRepository(Repository[Area]):
    """The viewer's area and all below it."""

    model = Area
    order = (Area.path,)
    searched = (Area.name, Area.code)

    def readable(self, viewer: Viewer) -> Select[Area]:
        """Areas in the viewer's subtree."""
        return select(Area).where(within(Area.path, viewer.scope))

    def listed(
        self, viewer: Viewer, *, parent: str | None = None, depth: int | None = None, search: str = ""
    ) -> Select[Area]:
        """Areas by parent, depth, and a part of the name."""
        statement = self.readable(viewer)
        if parent is not None:
            statement = statement.where(Area.parent_code == parent)
        if depth is not None:
            statement = statement.where(Area.depth == depth)
        if search:
            statement = statement.where(Area.name.icontains(search, autoescape=True))
        return statement

    async def hold(self, code: str) -> None:
        """Wait for whoever does what one at a time may do in an area; from here on nobody else does."""
        lock = select(Area.code).where(Area.code == code).with_for_update(of=Area, key_share=True)
        await self.session.execute(lock)

    async def chain(self, path: str) -> Sequence[Area]:
        """The areas from the country down to `path`: above the viewer too, since their rules hold below."""
        return await self.all(select(Area).where(Area.path.in_(ancestors(path))).order_by(Area.depth))

    async def policy(self, path: str) -> SpeakerPolicy:
        """What holds for a speaker at `path`."""
        return (await self.policies([path]))[path]

    async def contact(self, path: str) -> str:
        """Whom people at `path` may ask: of the nearest area that names somebody, going up; empty where none does."""
        named = select(Area.contact).where(Area.path.in_(ancestors(path)), Area.contact != "")
        return await self.session.scalar(named.order_by(func.length(Area.path).desc()).limit(1)) or ""

    async def policies(self, paths: Collection[str]) -> dict[str, SpeakerPolicy]:
        """What holds for speakers at each of `paths`."""
        said = await self._said(paths)
        return {path: effective_policy(said[above] for above in ancestors(path) if above in said) for path in paths}

    async def approvals(self, paths: Collection[str]) -> dict[str, ApprovalAsked]:
        """Who must agree to what is issued at each of `paths`."""
        said = await self._said(paths)
        return {path: approval_asked(said[above] for above in ancestors(path) if above in said) for path in paths}

    async def release_rules(self, paths: Collection[str]) -> dict[str, ReleaseRule]:
        """How alerts that each of `paths` issues are released."""
        said = await self._said(paths)
        return {path: release_rule(said[above] for above in ancestors(path) if above in said) for path in paths}

    async def silent_tests(self, paths: Collection[str]) -> dict[str, SilentTest]:
        """How often the speakers of each of `paths` are tested without a sound."""
        said = await self._said(paths)
        return {path: silent_test(said[above] for above in ancestors(path) if above in said) for path in paths}

    async def _said(self, paths: Collection[str]) -> dict[str, AreaPolicy]:
        wanted = sorted({above for path in paths for above in ancestors(path)})
        said: dict[str, AreaPolicy] = {}
        for start in range(0, len(wanted), _ROWS_AT_A_TIME):
            some = wanted[start : start + _ROWS_AT_A_TIME]
            rows = await self.session.execute(select(Area.path, Area.policy).where(Area.path.in_(some)))
            said.update({path: AreaPolicy.model_validate(policy) for path, policy in rows})
        return said

    async def has_children(self, code: str) -> bool:
        """Whether there is an area below."""
        return await self.session.scalar(select(Area.code).where(Area.parent_code == code).limit(1)) is not None

    async def add_missing(self, areas: Iterable[Area]) -> int:
        """Add many areas at once, parents first; those that are known stay as they are. Return how many were new."""
        rows: list[dict[str, Any]] = [
            {
                "code": area.code,
                "name": area.name,
                "kind": area.kind,
                "parent_code": area.parent_code,
                "path": area.path,
                "depth": area.depth,
                "policy": {},
                "version": 1,
            }
            for area in areas
        ]
        added = 0
        for start in range(0, len(rows), _ROWS_AT_A_TIME):
            some = rows[start : start + _ROWS_AT_A_TIME]
            statement = insert_into(self.session, Area).values(some).on_conflict_do_nothing()
            found = self.session.scalars(statement.returning(Area.code), execution_options=NOTED_APART)
            added += len((await found).all())
        if added:
            note(self.session, Deed("area", ROOT_CODE, "loaded", changes={"areas": [None, added]}))
        return added
