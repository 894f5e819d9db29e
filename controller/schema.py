"""Every table, in one list: what migrations are checked against."""

from controller.accounts import models as accounts
from controller.alerts import models as alerts
from controller.announcements import models as announcements
from controller.approval import models as approval
from controller.areas import models as areas
from controller.audit import models as audit
from controller.broadcasts import models as broadcasts
from controller.cap import models as cap
from controller.commands import models as commands
from controller.content import models as content
from controller.database import Base
from controller.devices import models as devices
from controller.enrolment import models as enrolment
from controller.groups import models as groups
from controller.health import models as health
from controller.http import models as http
from controller.incidents import models as incidents
from controller.link import models as link
from controller.live import models as live
from controller.monitoring import models as monitoring
from controller.photos import models as photos
from controller.planning import models as planning
from controller.playlists import models as playlists
from controller.pronunciations import models as pronunciations
from controller.records import models as records
from controller.signing import models as signing
from controller.standing import models as standing
from controller.subscriptions import models as subscriptions

TABLES = (
    accounts,
    alerts,
    announcements,
    approval,
    areas,
    audit,
    broadcasts,
    cap,
    commands,
    content,
    devices,
    enrolment,
    groups,
    health,
    http,
    incidents,
    link,
    live,
    monitoring,
    photos,
    planning,
    playlists,
    pronunciations,
    records,
    signing,
    standing,
    subscriptions,
)
METADATA = Base.metadata
