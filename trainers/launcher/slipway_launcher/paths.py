"""Relative paths that are safe below a folder, and files that are what they seem."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from .failures import JobFailure, quoted
from .own_user import JobUser

PATH_LIMIT = 512
FILE_LIMIT = 10_000


def path_fault(path: object) -> str | None:
    """Why ``path`` may not be used below a folder, or None when it may."""
    if not isinstance(path, str) or not path:
        return "must be a relative path"
    if len(path) > PATH_LIMIT:
        return f"must have at most {PATH_LIMIT} characters"
    if path.startswith("/") or "\\" in path or not path.isprintable():
        return "must be relative, with / between folders and no control characters"
    if any(part in ("", ".", "..") or len(part.encode()) > 255 for part in path.split("/")):
        return "must not contain empty, '.', '..' or very long parts"
    return None


def regular_files(directory: Path, below: str) -> Iterator[tuple[str, Path]]:
    """Every regular file in the folder ``below`` of ``directory``, sorted, as (path that begins with ``below``, place).

    Links, devices, pipes and sockets are refused with E_FILE_KIND, more than 10,000 files with E_TRAINER_LIMIT.
    """
    folder = directory.resolve() / below
    if not os.path.lexists(folder):
        return
    if folder.resolve() != folder or not folder.is_dir():
        raise JobFailure("E_FILE_KIND", f"{below} is no longer a folder of the job; write into it instead of replacing it")
    for count, (path, entry) in enumerate(_walk(folder, below)):
        if count >= FILE_LIMIT:
            raise JobFailure("E_TRAINER_LIMIT", f"more than {FILE_LIMIT} files below {below}; write one archive instead")
        yield path, entry


def _walk(folder: Path, below: str) -> Iterator[tuple[str, Path]]:
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    for entry in entries:
        path = f"{below}/{entry.name}"
        if path_fault(path) is not None:
            raise JobFailure("E_PATH_ESCAPE", f"{quoted(path)} {path_fault(path)}; rename the file")
        mode = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(mode.st_mode):
            yield from _walk(Path(entry.path), path)
        elif stat.S_ISREG(mode.st_mode) and mode.st_nlink == 1:
            yield path, Path(entry.path)
        else:
            raise JobFailure(
                "E_FILE_KIND",
                f"{quoted(path)} is not a plain file of its own (a link, pipe, socket or device); write a regular file",
            )


def open_regular(file: Path, owner: JobUser | None = None) -> int:
    """A descriptor of ``file`` that is sure to be a regular file and no link, and of ``owner``; E_FILE_KIND otherwise.

    ``owner`` is for files that are read while the job's processes run: they may put a link in place of a folder above
    the file, and the launcher may read what they may not.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as fault:
        raise JobFailure("E_FILE_KIND", f"{quoted(str(file))} cannot be opened as a regular file: {fault.strerror}") from fault
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode) or (owner is not None and (facts.st_uid, facts.st_gid) != (owner.uid, owner.gid)):
        os.close(descriptor)
        raise JobFailure("E_FILE_KIND", f"{quoted(str(file))} is not a regular file of the job")
    return descriptor
