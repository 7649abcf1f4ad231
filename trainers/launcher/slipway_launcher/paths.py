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
# That are named in one message.
REFUSALS = 5


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


def regular_files(directory: Path, below: str, links: dict[str, str] | None = None) -> Iterator[tuple[str, Path]]:
    """Every regular file in the folder ``below`` of ``directory``, sorted, as (path that begins with ``below``, place).

    A link to what lies in the same folder stands for that: its files come under the link's path too. With ``links`` it
    is put there instead (path → target, seen from the link). Other links, hard links, devices, pipes and sockets are
    refused with E_FILE_KIND, all at once; more than 10,000 files with E_TRAINER_LIMIT.
    """
    folder = directory.resolve() / below
    if not os.path.lexists(folder):
        return
    if folder.resolve() != folder or not folder.is_dir():
        raise JobFailure("E_FILE_KIND", f"{below} is no longer a folder of the job; write into it instead of replacing it")
    walk = _Walk(folder, below, links)
    for count, (path, place) in enumerate(walk.files((folder,), below)):
        if count >= FILE_LIMIT:
            raise JobFailure("E_TRAINER_LIMIT", f"more than {FILE_LIMIT} files below {below}; write one archive instead")
        yield path, place
    if walk.refused:
        more = len(walk.refused) - REFUSALS
        raise JobFailure("E_FILE_KIND", "; ".join(walk.refused[:REFUSALS]) + (f"; and {more} more" if more > 0 else ""))


class _Walk:
    def __init__(self, root: Path, below: str, links: dict[str, str] | None) -> None:
        self._root, self._below, self._links = root, below, links
        self.refused: list[str] = []

    def files(self, inside: tuple[Path, ...], below: str) -> Iterator[tuple[str, Path]]:
        """The files of the last folder of ``inside``, which was reached through the others."""
        with os.scandir(inside[-1]) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
        for entry in entries:
            path = f"{below}/{entry.name}"
            if path_fault(path) is not None:
                raise JobFailure("E_PATH_ESCAPE", f"{quoted(path)} {path_fault(path)}; rename the file")
            if not entry.is_symlink():
                yield from self._entry(Path(entry.path), path, inside)
                continue
            target = self._target(Path(entry.path), path, inside)
            if target is None:
                continue
            if self._links is None:
                yield from self._entry(target, path, inside)
            else:
                self._links[path] = os.path.relpath(target, inside[-1])

    def _entry(self, place: Path, path: str, inside: tuple[Path, ...]) -> Iterator[tuple[str, Path]]:
        facts = place.lstat()
        if stat.S_ISDIR(facts.st_mode):
            yield from self.files((*inside, place), path)
        elif not stat.S_ISREG(facts.st_mode):
            self.refused.append(f"{quoted(path)} is a pipe, socket or device; write a regular file")
        elif facts.st_nlink != 1:
            self.refused.append(f"{quoted(path)} is a hard link, one of several names of a file; write a copy")
        else:
            yield path, place

    def _target(self, link: Path, path: str, inside: tuple[Path, ...]) -> Path | None:
        """Where a link leads, when that may stand in its place."""
        said = f"{quoted(path)} is a link to {quoted(os.readlink(link))}"
        try:
            target = link.resolve(strict=True)
        except (OSError, RuntimeError):
            self.refused.append(f"{said}, where nothing is; remove it")
            return None
        if self._root not in target.parents and target != self._root:
            self.refused.append(f"{said}, outside of {self._below}; copy the files there instead of linking them")
        elif any(folder == target or target in folder.parents for folder in inside):
            self.refused.append(f"{said}, a folder that it lies in itself; remove it")
        else:
            return target
        return None


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
