"""A short way to a job's folder for temporary files: the path of a socket in it may have 107 bytes at most.

The files stay in the job's folder, on its disk and under its limits; what is made elsewhere is a link.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

# Of the 107 bytes that Linux takes (`sun_path`), 60 are left to the job: Python's multiprocessing needs 32.
LONGEST = 47
_NAME = re.compile(r"slipway-(\d+)-(\d+)-[0-9a-f]{8}")


def short_path(folder: Path) -> Path:
    """``folder`` itself where its path is short, else a link to it in the system's folder for temporary files.

    Where no link can be made, the path stays long: only sockets need a short one.
    """
    if _length(folder) <= LONGEST:
        return folder
    for base in _bases():
        # Random at its end, so that nobody else can take the name first.
        link = base / f"slipway-{_namespace()}-{os.getpid()}-{secrets.token_hex(4)}"
        if _length(link) > LONGEST:
            continue
        try:
            link.symlink_to(folder)
        except OSError:
            continue
        return link
    return folder


def remove_links(folder: Path) -> None:
    """Removes the links to ``folder``, and those of launchers that ended without removing theirs."""
    for link, pid in _own_links():
        if os.readlink(link) == str(folder) or not os.path.exists(f"/proc/{pid}"):
            link.unlink(missing_ok=True)


def _own_links() -> Iterator[tuple[Path, str]]:
    """Links of launchers of this user whose process would be seen here: other containers may share the folder."""
    for base in _bases():
        try:
            names = os.listdir(base)
        except OSError:
            continue
        for name in names:
            link = base / name
            found = _NAME.fullmatch(name)
            if found is not None and found[1] == _namespace() and link.is_symlink() and link.lstat().st_uid == os.geteuid():
                yield link, found[2]


def _bases() -> list[Path]:
    return [Path(base) for base in dict.fromkeys((os.environ.get("TMPDIR") or "/tmp", "/tmp", "/var/tmp")) if base.startswith("/")]


def _namespace() -> str:
    """The numbers of processes mean something within one namespace only."""
    return str(os.stat("/proc/self/ns/pid").st_ino)


def _length(path: Path) -> int:
    return len(os.fsencode(path))
