"""What may be ordered of a speaker at once, and what it answered."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.roles import Permission
from controller.accounts.viewer import Viewer
from controller.commands.models import CommandAttempt, CommandRow
from controller.commands.repository import CommandTraffic
from controller.database import after_commit, new_id
from controller.devices.models import DeviceStatus
from controller.devices.repository import DeviceRepository
from controller.errors import Conflict, Forbidden
from controller.monitoring.hub import Hub, Topic
from controller.text import Text
from protocol.messages import Action, Reply

log = structlog.get_logger(__name__)

MAINTENANCE = frozenset({"test_tone", "send_logs", "restart"})
"""What only who keeps speakers running may order."""
LIFETIME = timedelta(minutes=2)
"""An order that arrives later than this is no longer what anybody meant."""


class CommandService:
    """Commands within one transaction."""

    def __init__(self, session: AsyncSession, *, wake_link: Callable[[], None], hub: Hub) -> None:
        self._session = session
        self._wake_link = wake_link
        self._hub = hub

    def order(self, device_ids: Iterable[str], action: Action, *, author: str, now: datetime) -> list[CommandRow]:
        """Order this of each speaker. It is sent as soon as the transaction is committed."""
        ordered = [
            CommandRow(
                id=new_id(),
                device_id=device_id,
                action=action.model_dump(mode="json", exclude_none=True),
                author=author,
                requested_at=now,
                expires_at=now + LIFETIME,
            )
            for device_id in sorted(set(device_ids))
        ]
        self._session.add_all(ordered)
        if ordered:
            after_commit(self._session, self._wake_link)
            log.info("command.ordered", verb=action.verb, speakers=len(ordered), author=author)
        return ordered

    async def order_of(self, viewer: Viewer, device_id: str, action: Action, now: datetime) -> CommandRow:
        """Order this of one speaker, as somebody who may."""
        if action.verb in MAINTENANCE and not viewer.may(Permission.MAINTAIN):
            raise Forbidden
        device = await DeviceRepository(self._session).get(viewer, device_id)
        if device.status is DeviceStatus.RETIRED:
            raise Conflict(Text("This speaker was retired"))
        (row,) = self.order([device.id], action, author=viewer.name, now=now)
        row.attempts = []
        await self._session.flush()
        return row

    async def take_reply(self, reply: Reply, *, now: datetime) -> None:
        """Write down what a speaker answered. An answer to nothing we asked is let go."""
        command = await CommandTraffic(self._session).find(reply.device, reply.command_id)
        if command is None:
            log.warning("command.reply_unknown", device=reply.device)
            return
        attempt = next((each for each in command.attempts if each.outcome is None), None)
        if attempt is None:
            if command.attempts:
                return
            attempt = CommandAttempt(command_id=command.id)
            self._session.add(attempt)
        attempt.outcome, attempt.detail, attempt.replied_at = reply.outcome, reply.detail, now
        after_commit(self._session, lambda: self._hub.publish(Topic.DEVICES))
