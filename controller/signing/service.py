"""What may happen to signing keys, and how the running service follows."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controller.database import Database, after_commit
from controller.errors import Conflict, ControllerError, Invalid, NotFound
from controller.keys import Keys
from controller.signing.lifecycle import TRUSTED, KeyState, Life, NoSuccessor, due, retire, revoke
from controller.signing.models import KeyNoticeRow, SigningKeyRow
from controller.signing.repository import SigningKeyRepository
from controller.text import Text
from protocol.errors import ProtocolError
from protocol.messages import KeyNotice, TrustedKey
from protocol.messages.configs import KEYS_MAX, NOTICES_MAX, REVOKED_MAX
from protocol.signing import KeyRing, Signer, SigningKey, sign, verify
from protocol.trust import EVERYBODY

log = structlog.get_logger(__name__)

ORDERS_LIVE = timedelta(days=35)
"""Longer than any order: plans reach 31 days ahead and a day more, configs 30."""
NOTICE_LIFETIME = timedelta(days=3650)
LOOKS_EVERY_S = 5.0
"""Keys may be changed by the command line, in another process."""


class SigningKeyService:
    """Signing keys within one transaction."""

    def __init__(self, session: AsyncSession, keys: Keys, now: datetime, *, changed: Callable[[], None]) -> None:
        self._session = session
        self._keys = keys
        self._now = now
        self._changed = changed
        self._repository = SigningKeyRepository(session)

    async def all(self) -> Sequence[SigningKeyRow]:
        """Return every key. The very first one enters the books here."""
        rows = await self._repository.keys()
        if any(row.state is KeyState.SIGNING for row in rows):
            return rows
        self._enter(self._keys.signing.public, KeyState.SIGNING, self._now)
        await self._session.flush()
        return await self._repository.keys()

    async def known(self) -> Sequence[SigningKeyRow]:
        """Return what is in the books, without entering anything."""
        return await self._repository.keys()

    async def to_pin(self) -> tuple[TrustedKey, ...]:
        """Return what a speaker is born with."""
        rows = await self.all()
        return tuple(
            row.public for state in (KeyState.SIGNING, KeyState.RECOVERY) for row in rows if row.state is state
        )

    async def rotate(self, overlap: timedelta) -> SigningKeyRow:
        """Make the next key and announce it; after `overlap` it signs. Without any overlap at once."""
        rows = await self.all()
        if any(row.state is KeyState.ANNOUNCED for row in rows):
            raise Conflict(Text("A new key is announced already. Wait until it signs, or retire it first."))
        if sum(row.state in TRUSTED or row.state is KeyState.RECOVERY for row in rows) >= KEYS_MAX:
            raise Conflict(Text("Too many keys are still trusted"))
        made = await self._make_next(self._now + overlap, await self._signing())
        await self._pass_time()
        return made

    async def retire(self, kid: str) -> SigningKeyRow:
        """Let a key sign no more, in favour of the one announced."""
        row = await self._get(kid)
        if row.state not in {KeyState.ANNOUNCED, KeyState.SIGNING}:
            raise Conflict(Text("This key signs no more"))
        try:
            await self._settle(retire(await self._lives(), kid, self._now, ORDERS_LIVE))
        except NoSuccessor:
            raise Conflict(Text("No key is there to take its place: rotate first.")) from None
        return row

    async def add_recovery(self, public: TrustedKey, *, replace: bool = False) -> SigningKeyRow:
        """Have every speaker learn the recovery key, unless it knows one.

        `replace` puts it in the place of one that was stolen or lost: for speakers that are enrolled from now on.
        """
        for row in await self.all():
            if row.state is not KeyState.RECOVERY:
                continue
            if not replace:
                raise Conflict(
                    Text(
                        "There is a recovery key already. Speakers keep the first one that they are"
                        " told: to replace it, each must be enrolled again."
                    )
                )
            row.state, row.changed_at = KeyState.REVOKED, self._now
        row = self._enter(public, KeyState.RECOVERY, None)
        self._announce()
        return row

    async def statement(self, kid: str) -> KeyNotice:
        """Return what the recovery key must sign so that speakers distrust `kid`.

        Where no other key could take its place, one is made.
        """
        row = await self._get(kid)
        if row.state in {KeyState.RECOVERY, KeyState.REVOKED}:
            raise Conflict(Text("This key cannot be revoked, or is so already"))
        if row.state is KeyState.SIGNING and not any(
            each.state is KeyState.ANNOUNCED for each in await self._repository.keys()
        ):
            try:
                introduces: Signer | None = await self._signing()
            except (ControllerError, OSError):  # lost, too: the recovery key introduces the next one
                introduces = None
            await self._make_next(self._now, introduces)
        after = revoke(await self._lives(), kid, self._now, ORDERS_LIVE)
        states = {life.kid: life.state for life in after}
        rows = await self._repository.keys()
        notices = await self._repository.notices()
        return KeyNotice(
            serial=self._serial(notices),
            keys=tuple(each.public for each in rows if states.get(each.kid) in TRUSTED),
            revoked=tuple(sorted(life.kid for life in after if life.state is KeyState.REVOKED)),
        )

    async def revoke(self, kid: str, notice: str) -> SigningKeyRow:
        """Have every speaker distrust a key for ever, by a notice that the recovery key signed."""
        row = await self._get(kid)
        rows = await self._repository.keys()
        recovery = [each.public for each in rows if each.state is KeyState.RECOVERY]
        try:
            said = verify(notice, KeyNotice, audiences={EVERYBODY}, keys=KeyRing(recovery), now=None).body
        except ProtocolError as error:
            raise Invalid.field("notice", Text("Not a notice: %(error)s", error=error)) from error
        gone = {each.kid for each in rows if each.state is KeyState.REVOKED} | {kid}
        if not gone <= set(said.revoked) or len(said.revoked) > REVOKED_MAX:
            raise Invalid.field("notice", Text("The notice must name every key revoked so far"))
        try:
            after = revoke(await self._lives(), kid, self._now, ORDERS_LIVE)
        except NoSuccessor:
            raise Conflict(Text("No key is there to take its place")) from None
        signs = next(life.kid for life in after if life.state is KeyState.SIGNING)
        if signs not in {key.kid for key in said.keys}:
            raise Invalid.field("notice", Text("The notice does not name the key that signs"))
        if said.serial <= max((each.serial for each in await self._repository.notices()), default=0):
            raise Invalid.field("notice", Text("The notice is older than another one"))
        self._repository.add(KeyNoticeRow(serial=said.serial, kid=recovery[0].kid, token=notice, made_at=self._now))
        await self._settle(after)
        return row

    async def advance(self) -> None:
        """Let time pass: announced keys take over, retired ones go."""
        await self.all()
        await self._pass_time()

    async def _pass_time(self) -> None:
        await self._settle(due(await self._lives(), self._now, ORDERS_LIVE))

    async def _make_next(self, signs_from: datetime, current: Signer | None) -> SigningKeyRow:
        signer = await asyncio.to_thread(self._keys.make)
        row = self._enter(signer.public, KeyState.ANNOUNCED, signs_from)
        if current is not None:
            serial = self._serial(await self._repository.notices())
            body = KeyNotice(serial=serial, keys=(signer.public,))
            token = sign(body, audience=EVERYBODY, key=current, now=self._now, lifetime=NOTICE_LIFETIME)
            self._repository.add(KeyNoticeRow(serial=serial, kid=current.kid, token=token, made_at=self._now))
        await self._session.flush()
        self._announce()
        return row

    async def _signing(self) -> Signer:
        kid = next(row.kid for row in await self._repository.keys() if row.state is KeyState.SIGNING)
        return await asyncio.to_thread(self._keys.find, kid)

    def _serial(self, notices: Sequence[KeyNoticeRow]) -> int:
        """Grows also after the database was restored from a backup."""
        return max([int(self._now.timestamp() * 1000), *(notice.serial + 1 for notice in notices)])

    async def _get(self, kid: str) -> SigningKeyRow:
        for row in await self.all():
            if row.kid == kid:
                return row
        raise NotFound(Text("There is no such key"))

    async def _lives(self) -> tuple[Life, ...]:
        return tuple(row.life for row in await self._repository.keys() if row.state is not KeyState.RECOVERY)

    async def _settle(self, after: Sequence[Life]) -> None:
        """Write down what was decided."""
        rows = {row.kid: row for row in await self._repository.keys()}
        for life in after:
            row = rows[life.kid]
            if row.life == life:
                continue
            log.warning("signing_key", kid=life.kid, was=row.state, now=life.state)
            row.state, row.signs_from, row.trusted_until = life.state, life.signs_from, life.trusted_until
            row.changed_at = self._now
            self._announce()
        await self._session.flush()

    def _enter(self, public: TrustedKey, state: KeyState, signs_from: datetime | None) -> SigningKeyRow:
        row = SigningKeyRow(
            kid=public.kid, x=public.x, state=state, made_at=self._now, signs_from=signs_from, changed_at=self._now
        )
        self._repository.add(row)
        return row

    def _announce(self) -> None:
        after_commit(self._session, self._changed)


def countersign(statement: KeyNotice, recovery: SigningKey, now: datetime) -> str:
    """Return the notice that a recovery key makes of a statement."""
    return sign(statement, audience=EVERYBODY, key=recovery, now=now, lifetime=NOTICE_LIFETIME)


class KeyWatch:
    """Puts to use in this process what the database says of keys, and has everything signed anew."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        now: Callable[[], datetime],
        *,
        say_all_anew: Callable[[], Awaitable[None]],
    ) -> None:
        self._database = database
        self._keys = keys
        self._now = now
        self._say_all_anew = say_all_anew
        self._call = asyncio.Event()
        self._unusable = ""
        self._owed = False
        """Everything is to be said anew; still so when a full disk has prevented it."""

    def wake(self) -> None:
        """Something about keys was committed."""
        self._call.set()

    async def run(self) -> None:
        """Look now and then until cancelled."""
        while True:
            self._call.clear()
            self._owed |= await self.look()
            if self._owed:
                await self._say_all_anew()
                self._owed = False
            try:
                async with asyncio.timeout(LOOKS_EVERY_S):
                    await self._call.wait()
            except TimeoutError:
                continue

    async def look(self) -> bool:
        """Do what is due, and follow what was changed. True when keys changed for this process."""
        async with self._database.reading() as session:
            rows = await SigningKeyRepository(session).keys()
        lives = tuple(row.life for row in rows if row.state is not KeyState.RECOVERY)
        if not lives or due(lives, self._now(), ORDERS_LIVE) != lives:
            async with self._database.transaction() as session:
                await SigningKeyService(session, self._keys, self._now(), changed=self.wake).advance()
        return await self.follow()

    async def follow(self) -> bool:
        """Sign as the database says. True when anything changed."""
        async with self._database.reading() as session:
            repository = SigningKeyRepository(session)
            rows, notices = await repository.keys(), await repository.notices()
        kid = next((row.kid for row in rows if row.state is KeyState.SIGNING), None)
        if kid is None:
            return False
        try:
            signer = self._keys.signing.itself()
            if signer.kid != kid:
                signer = await asyncio.to_thread(self._keys.find, kid)
            for row in rows:
                if row.state in {KeyState.GONE, KeyState.REVOKED}:
                    await asyncio.to_thread(self._keys.destroy, row.kid)
        except (ControllerError, OSError) as error:
            if self._unusable != kid:
                log.error("signing_key_unusable", kid=kid, reason=str(error))  # noqa: TRY400 it says all
            self._unusable = kid
            return False
        self._unusable = ""
        trusted = [row.public for row in rows if row.state in TRUSTED or row.state is KeyState.RECOVERY]
        return self._keys.use(signer, trusted, told(rows, notices))


def told(rows: Sequence[SigningKeyRow], notices: Sequence[KeyNoticeRow]) -> tuple[str, ...]:
    """Return the notices that configs carry: the newest of the recovery key, and the last introductions."""
    recovery = {row.kid for row in rows if row.state is KeyState.RECOVERY}
    revoking = [notice for notice in notices if notice.kid in recovery][-1:]
    introducing = [notice for notice in notices if notice.kid not in recovery][-(NOTICES_MAX - 1) :]
    return tuple(notice.token for notice in sorted((*revoking, *introducing), key=lambda each: each.serial))
