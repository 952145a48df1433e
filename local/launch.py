"""Becomes another program that ends with its parent, and, for PostgreSQL as root, as somebody who is not root.

Run as a script, with the standard library only: `python launch.py [--as=namespace | --as=UID:GID] SIGNAL PROGRAM [ARGUMENT ...]`.
SIGNAL is what the kernel sends the program when the process that started it dies, however that one died.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000


def own_namespace() -> None:
    """Enter a user namespace in which root outside is user 1000 inside: no new user, no chown, no chmod."""
    uid, gid = os.geteuid(), os.getegid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWUSER) is not permitted")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"1000 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"1000 {gid} 1")


def become(uid: int, gid: int) -> None:
    """Go on as another user, for good."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def main() -> None:
    """Become the command of the arguments: [--as=namespace or UID:GID] SIGNAL COMMAND ..."""
    arguments = sys.argv[1:]
    if arguments[0].startswith("--as="):
        who = arguments.pop(0).removeprefix("--as=")
        if who == "namespace":
            own_namespace()
        else:
            become(*map(int, who.split(":")))
    parent = os.getppid()
    if sys.platform == "linux":
        # After the change of user: a change of credentials clears the signal.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(getattr(signal, arguments[0])), 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)
    os.execvp(arguments[1], arguments[1:])


if __name__ == "__main__":
    main()
