"""What tasks import, so that the process they are forked from can import it once: each would spend more than a second on it.

Libraries are only loaded there, never used: what they do not do before the fork (threads, connections) cannot break after it.
"""

import importlib
import pkgutil

from ..stores import lineage, metrics

# The rooms whose work tasks do.
ROOMS = ("ingest", "reading", "validation", "records", "measures", "releases", "timeline")


def modules() -> list[str]:
    """The modules of the rooms, and the libraries that send what a listener is told where one is named; by name."""
    package = __name__.partition(".")[0]
    found = []
    for room in ROOMS:
        path = importlib.import_module(f"{package}.{room}").__path__
        found += [f"{package}.{room}.{module.name}" for module in pkgutil.iter_modules(path)]
    for listener in (metrics, lineage):
        found += listener.LIBRARIES if listener.is_on() else ()
    return found
