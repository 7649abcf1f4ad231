"""Unpacks the author's code: regular files and folders, nothing that points elsewhere."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path

from .failures import JobFailure, quoted
from .paths import FILE_LIMIT, path_fault

UNPACKED_LIMIT = 256 << 20


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks the uncompressed tar ``archive`` into the existing, empty ``folder``.

    E_PATH_ESCAPE for a path that leaves the folder, E_FILE_KIND for links and devices, E_TRAINER_LIMIT for
    more than 10,000 entries or 256 MiB, E_TRAINER_SPEC for bytes that are no tar.
    """
    try:
        with tarfile.open(archive, mode="r:") as tar:
            size = 0
            for count, member in enumerate(tar):
                size += max(member.size, 0)
                if count >= FILE_LIMIT or size > UNPACKED_LIMIT:
                    raise JobFailure("E_TRAINER_LIMIT", f"the code has more than {FILE_LIMIT} entries or {UNPACKED_LIMIT >> 20} MiB")
                _unpack_member(tar, member, folder)
    except (tarfile.TarError, EOFError, FileExistsError, NotADirectoryError) as fault:
        raise JobFailure("E_TRAINER_SPEC", f"the code archive cannot be unpacked: {fault}; deploy the pipeline again") from fault


def _unpack_member(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    name = member.name.removeprefix("./").rstrip("/")
    if member.isdir() and name in ("", "."):
        return
    if (fault := path_fault(name)) is not None:
        raise JobFailure("E_PATH_ESCAPE", f"the code archive holds {quoted(member.name)}, which {fault}")
    target = folder / name
    if member.isdir():
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        return
    source = tar.extractfile(member) if member.isreg() else None
    if source is None or member.issparse():
        raise JobFailure("E_FILE_KIND", f"the code archive holds {quoted(member.name)}, which is not a regular file or folder")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Nothing here can be a link: the folder began empty and only files and folders were made.
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o700 if member.mode & 0o100 else 0o600)
    with os.fdopen(descriptor, "wb") as sink:
        shutil.copyfileobj(source, sink)
