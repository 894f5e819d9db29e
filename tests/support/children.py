"""What a test has started: any of the processes may end while it is being asked about."""

import psutil

SITE = "site"
"""How the thread is called that serves a site (`tests.support.site`)."""


def running(word: str = "") -> set[psutil.Process]:
    """The living children of this process whose command line holds `word`."""
    return {child for child in psutil.Process().children() if _runs(child, word)}


def _runs(child: psutil.Process, word: str) -> bool:
    try:
        return child.status() != psutil.STATUS_ZOMBIE and word in " ".join(child.cmdline())
    except psutil.NoSuchProcess:
        return False
