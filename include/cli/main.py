"""trust-benchmarks: check a file, ask the warehouse, decide as on the desk, make a template, start one more collection."""

import os
import sys

from . import Refused
from .app import app as app
from .output import note

# Each adds its commands, in the order of the help.
# isort: off
from .commands import returns, decisions, releases, timeline, trusts, operating, making  # noqa: F401
# isort: on


def run() -> None:
    """Runs a command and reports problems in one sentence. Exit status 2: the request was wrong; 3: an error in this program."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that has no £ gets \xa3
    try:
        app()
    except Refused as problem:
        note(str(problem))
        code = 2
    except BrokenPipeError:  # the reader of our output, such as `head`, has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except KeyboardInterrupt:
        code = 130
    except SystemExit:
        raise
    except BaseException as problem:  # also panics of Rust libraries and a lack of memory
        if os.environ.get("TB_DEBUG"):
            raise
        code = _told(problem)
    sys.exit(code)


def _told(problem: BaseException) -> int:
    from ..catalogue import UnknownCollection
    from ..sql.published import Undescribed
    from ..stores.settings import Unconfigured

    if isinstance(problem, UnknownCollection | Unconfigured | Undescribed):
        note(str(problem))
        return 2
    if isinstance(problem, MemoryError):
        note("There is not enough memory for this. Close other programs, or split the file.")
        return 3
    first = (str(problem).strip().splitlines() or [""])[0]
    note(
        f"This is an error in trust-benchmarks ({type(problem).__name__}: {first[:200]}). "
        "Please report it with the command you ran; TB_DEBUG=1 shows where it happened."
    )
    return 3


if __name__ == "__main__":
    run()
