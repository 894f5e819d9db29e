"""SQL of pronunciations."""

from collections.abc import Sequence

from sqlalchemy import Select, or_, select

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.tree import ancestors, within
from controller.pronunciations.models import Pronunciation
from controller.repository import Repository


class PronunciationRepository(Repository[Pronunciation]):
    """Entries of the viewer's subtree, and those of the areas above: they hold here too."""

    model = Pronunciation
    order = (Pronunciation.written, Pronunciation.id)

    def readable(self, viewer: Viewer) -> Select[Pronunciation]:
        """What is said in the viewer's areas, whoever wrote it."""
        here = or_(within(Area.path, viewer.scope), Area.path.in_(ancestors(viewer.scope)))
        return select(Pronunciation).join(Pronunciation.area).where(here)

    async def holding(self, path: str, language: str) -> Sequence[Pronunciation]:
        """The entries that hold at `path`, the widest area's first."""
        above = select(Pronunciation).join(Pronunciation.area).where(Area.path.in_(ancestors(path)))
        return await self.all(above.where(Pronunciation.language == language).order_by(Area.depth, Pronunciation.id))

    async def same(self, area_code: str, language: str, written: str) -> Pronunciation | None:
        """The area's own entry for a word."""
        return await self.session.scalar(
            select(Pronunciation).where(
                Pronunciation.area_code == area_code,
                Pronunciation.language == language,
                Pronunciation.written == written,
            )
        )
