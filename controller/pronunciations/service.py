"""What may happen to a pronunciation. Sound that was made before stays as it is; what is made from now on follows."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from audio.speech import VIETNAMESE
from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.service import Areas
from controller.errors import Forbidden, Invalid
from controller.pronunciations.models import Pronunciation
from controller.pronunciations.repository import PronunciationRepository
from controller.pronunciations.schemas import PronunciationEdit, PronunciationIn
from controller.text import Text


async def dictionary_for(session: AsyncSession, area: Area, language: str = VIETNAMESE) -> dict[str, str]:
    """How words are spoken in an area: its own entries, and those above; of two for a word, the nearest wins."""
    holding = await PronunciationRepository(session).holding(area.path, language)
    return {entry.written: entry.spoken for entry in holding}


class Pronunciations:
    """Pronunciations within one transaction, as one viewer may change them."""

    def __init__(self, session: AsyncSession, viewer: Viewer) -> None:
        self.repository = PronunciationRepository(session)
        self._session = session
        self.viewer = viewer
        self._areas = Areas(session, viewer)

    async def add(self, wish: PronunciationIn, now: datetime) -> Pronunciation:
        """Write down how something is spoken."""
        area = await self._areas.place(wish.area_code or self.viewer.area_code)
        await self._check_free(area.code, wish.language, wish.written)
        row = self.repository.add(
            Pronunciation(
                area=area,
                area_code=area.code,
                language=wish.language,
                written=wish.written,
                spoken=wish.spoken,
                author=self.viewer.name,
                created_at=now,
                updated_at=now,
            )
        )
        await self._session.flush()
        return row

    async def put(self, wish: PronunciationIn, now: datetime) -> Pronunciation:
        """Have a word spoken like this in the viewer's own area, whatever was written down for it there before."""
        row = await self.repository.same(wish.area_code or self.viewer.area_code, wish.language, wish.written)
        if row is not None:
            return await self.edit(row, PronunciationEdit(spoken=wish.spoken), now)
        return await self.add(wish, now)

    async def edit(self, row: Pronunciation, wish: PronunciationEdit, now: datetime) -> Pronunciation:
        """Change what the wish names."""
        self._check_ours(row)
        if wish.written is not None and wish.written != row.written:
            await self._check_free(row.area_code, row.language, wish.written)
        row.written = wish.written or row.written
        row.spoken = wish.spoken or row.spoken
        row.author, row.updated_at = self.viewer.name, now
        await self._session.flush()
        return row

    async def remove(self, row: Pronunciation) -> None:
        """Let a word be read as any other."""
        self._check_ours(row)
        await self._session.delete(row)
        await self._session.flush()

    def inherited(self, row: Pronunciation) -> bool:
        """Whether an entry is of an area above the viewer's."""
        return not self.viewer.sees(row.area.path)

    def _check_ours(self, row: Pronunciation) -> None:
        if self.inherited(row):
            raise Forbidden(
                Text("This belongs to %(name)s. Add an entry for your own area instead.", name=row.area.name)
            )

    async def _check_free(self, area_code: str, language: str, written: str) -> None:
        if await self.repository.same(area_code, language, written) is not None:
            raise Invalid.field(
                "written", Text("“%(written)s” has an entry in this area already. Edit that one.", written=written)
            )
