"""SQL of the trail as people read it, newest first."""

from sqlalchemy import Select, select

from controller.accounts.roles import Permission
from controller.accounts.viewer import Viewer
from controller.areas.tree import within
from controller.audit.models import AuditEntry
from controller.audit.registry import SHARED_KINDS
from controller.repository import Repository


class AuditRepository(Repository[AuditEntry]):
    """Entries about what lay in the viewer's subtree at the time."""

    model = AuditEntry
    order = (AuditEntry.number,)
    descending = True

    def readable(self, viewer: Viewer) -> Select[AuditEntry]:
        """All of them for who may audit; for others the trails of things that they see themselves."""
        seen = select(AuditEntry).where(within(AuditEntry.area, viewer.scope))
        return seen if viewer.may(Permission.AUDIT) else seen.where(AuditEntry.kind.in_(sorted(SHARED_KINDS)))

    def listed(
        self,
        viewer: Viewer,
        *,
        kind: str = "",
        key: str = "",
        actor: str = "",
        action: str = "",
        since: str = "",
        until: str = "",
    ) -> Select[AuditEntry]:
        """Entries by what they are about, who did it, and when."""
        statement = self.readable(viewer)
        for column, value in (
            (AuditEntry.kind, kind),
            (AuditEntry.key, key),
            (AuditEntry.actor, actor),
            (AuditEntry.action, action),
        ):
            if value:
                statement = statement.where(column == value)
        if since:
            statement = statement.where(AuditEntry.at >= since)
        if until:
            statement = statement.where(AuditEntry.at < until)
        return statement
