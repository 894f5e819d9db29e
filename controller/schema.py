"""Every table, in one list: what migrations are checked against."""

from controller.accounts import models as accounts
from controller.areas import models as areas
from controller.database import Base
from controller.devices import models as devices
from controller.groups import models as groups
from controller.http import models as http

TABLES = (accounts, areas, devices, groups, http)
METADATA = Base.metadata
