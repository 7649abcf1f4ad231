"""A user of its own for the command: what it may read and write is that user's, not the launcher's.

Its group is one that no other job has, so that jobs of the same user cannot enter each other's folders, nor look into
each other's processes.
"""

from __future__ import annotations

import ctypes
import os
import pwd
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from .failures import JobFailure

# Above what people and systems give out, below what is negative in 32 bits.
FIRST_GROUP = 1 << 30
_PR_SET_NO_NEW_PRIVS = 38


class JobUser(NamedTuple):
    name: str
    uid: int
    gid: int


def find_user(user: str | int, key: str) -> JobUser:
    """The user of that name or number, with the group of the job of ``key``.

    E_TRAINER_ENVIRONMENT when the launcher may not change users, there is no such user, or it is root.
    """
    if os.geteuid() != 0:
        raise _unusable(user, "the worker does not run as root", "run it as root, or leave `user` out")
    try:
        uid = user if isinstance(user, int) else pwd.getpwnam(user).pw_uid
    except KeyError:
        raise _unusable(user, "this machine has no such user", "make it, as with `useradd --system`, or name another") from None
    if uid == 0:
        raise _unusable(user, "it is root", "name a user who may do nothing else")
    return JobUser(str(user), uid, FIRST_GROUP | int(key[:15], 16) % FIRST_GROUP)


def become(user: JobUser) -> Callable[[], None]:
    """What a process calls between fork and exec to be that user for good: no set-user-ID program leads back."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def set_user() -> None:
        os.setgroups([])
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
        prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)

    return set_user


def check_reach(user: JobUser, programs: Iterable[Path], directory: Path) -> None:
    """E_TRAINER_ENVIRONMENT names the first place that the user cannot enter or run, or why it cannot be that user."""
    read, write = os.pipe()
    set_user = become(user)
    pid = os.fork()
    if pid == 0:
        said = "it cannot be tried"
        try:
            set_user()
            said = _out_of_reach(programs, directory)
        except OSError as fault:
            said = f"the worker may not become it ({fault.strerror}); give it the rights to change users and groups"
        finally:
            os.write(write, said.encode("utf-8", "replace")[:4000])
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as source:
        told = source.read().decode("utf-8", "replace")
    os.waitpid(pid, 0)
    if told:
        raise _unusable(user.name, told, "")


def let_in(user: JobUser, directory: Path) -> None:
    """Lets the user through ``directory`` to the folders in it; what else is in it stays the launcher's.

    E_TRAINER_ENVIRONMENT when the launcher may not do so, as in a container that knows few groups.
    """
    for entry in os.scandir(directory):
        if entry.is_file(follow_symlinks=False):
            os.chmod(entry.path, 0o600)
    try:
        os.chown(directory, os.geteuid(), user.gid)
    except OSError as fault:
        said = f"the worker may not give {directory} to group {user.gid} ({fault.strerror})"
        raise _unusable(user.name, said, "run it where root has all users and groups, or leave `user` out") from fault
    os.chmod(directory, 0o710)


def hand_over(user: JobUser, folders: Iterable[Path]) -> None:
    """Gives folders and all that is in them to the user."""
    for folder in folders:
        _give(user, folder)
        for place, names, files in os.walk(folder):
            for name in (*names, *files):
                _give(user, Path(place) / name)


def _give(user: JobUser, place: Path) -> None:
    os.chown(place, user.uid, user.gid, follow_symlinks=False)


def _out_of_reach(programs: Iterable[Path], directory: Path) -> str:
    for folder in (*reversed(directory.parents), directory):
        if not os.access(folder, os.X_OK):
            return f"it may not enter {folder}; let it, or set the trainer's `directory` to a place that it may enter"
    for program in programs:
        if not os.access(program, os.X_OK):
            return f"it may not run {program}, or not enter a folder on the way to {os.path.realpath(program)}; let it, or set the trainer's `python`"
    return ""


def _unusable(user: str | int, message: str, fix: str) -> JobFailure:
    return JobFailure("E_TRAINER_ENVIRONMENT", f"the command cannot run as user {user}: {message}{fix and '; ' + fix}")
