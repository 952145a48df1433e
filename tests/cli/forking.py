"""Imports the command once, then runs each that it is given in a copy of itself: starting Python and importing takes longer than most commands.

A line of JSON on standard input asks for one: `arguments` of trust-benchmarks, or Python `code`; `environment` to add. A line answers:
`code`, `out` and `err`.
"""

import importlib
import json
import os
import sys
import tempfile

from trust_benchmarks.cli import main, preload
from trust_benchmarks.stores import child_process


def do(asked: dict, out, err) -> None:
    """What is asked for, in this process, which ends with it."""
    for number, stream in ((1, out), (2, err)):
        os.dup2(stream.fileno(), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(asked["environment"])
    importlib.invalidate_caches()
    ended = 1
    try:
        if "arguments" in asked:
            sys.argv[1:] = asked["arguments"]
            main.run()
        else:
            exec(asked["code"], {"__name__": "__main__"})
            ended = 0
    except SystemExit as problem:
        ended = problem.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended)


def serve() -> None:
    """Answers until standard input ends."""
    for name in preload.modules():
        importlib.import_module(name)
    child_process.in_this_process = True
    for line in sys.stdin:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = os.fork()
            if not child:
                do(json.loads(line), out, err)
            ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            said = [os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode() for file in (out, err)]
        print(json.dumps({"code": ended, "out": said[0], "err": said[1]}), flush=True)


if __name__ == "__main__":
    serve()
