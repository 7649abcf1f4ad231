"""Folders of this node that nobody else can have prepared."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from pathlib import Path


def own_folder(folder: Path) -> Path:
    """Makes ``folder`` when it is missing; ValueError when others may write there: what lies in it is run."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid not in (os.geteuid(), 0) or facts.st_mode & 0o022:
        raise ValueError(f"{folder} must be a folder that only the user of Ray's nodes can write to")
    return folder


def fresh_folder(directory: Path, name: str) -> Path:
    """An empty folder for one job; ValueError while a launcher of the same job is at work there."""
    folder = own_folder(directory) / name
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as fault:
        raise ValueError(f"another launcher of this job is at work in {folder}") from fault
    finally:
        os.close(lock)
    # Left by a cluster that went down.
    shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    return folder
