"""Every whole page that there is, by its path."""

import re
from collections.abc import Mapping

from fastapi.routing import APIRoute

from controller.web.pages import PAGES

_READ = [
    route.path for router in PAGES for route in router.routes if isinstance(route, APIRoute) and "GET" in route.methods
]
WHOLE_PAGES = [
    path
    for path in _READ
    if not re.search(r"^/parts/|^/static/|/sound/|^/events$|openid|^/sign-in$|\.(ics|csv|txt)$", path)
]
PARTS = [path for path in _READ if re.search(r"^/parts/|/sound/", path)]
"""What a page fetches by itself."""


def address(path: str, made: Mapping[str, str]) -> str:
    """Put the ids of things into a page's path. A test of alerts is another thing than an alert, where there is one."""
    where = path.replace("tests/{alert_id}", "tests/{tests/alert_id}") if "tests/alert_id" in made else path
    return re.sub(r"{(.+?)}", lambda name: made.get(name[1], "nothing"), where)
