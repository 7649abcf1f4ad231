"""What a job may use: declared in the specification, set as rlimits of the command, watched for the whole job."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from typing import Any, NamedTuple

from .failures import JobFailure, quoted


class Limits(NamedTuple):
    """``None`` is no limit. Sizes in MiB, times in seconds."""

    address_space_mb: int | None = None
    file_size_mb: int | None = None
    open_files: int = 4096
    processes: int = 1024
    free_disk_mb: int = 256
    no_progress_seconds: float | None = None


NAMES = {
    "addressSpaceMb": "address_space_mb",
    "fileSizeMb": "file_size_mb",
    "openFiles": "open_files",
    "processes": "processes",
    "freeDiskMb": "free_disk_mb",
    "noProgressSeconds": "no_progress_seconds",
}


def parse_limits(document: object, faults: list[str]) -> Limits:
    """The limits in ``document``, the defaults for what is absent; what is wrong is added to ``faults``."""
    if document is None:
        return Limits()
    if not isinstance(document, dict):
        faults.append(f"/limits must be an object, found {quoted(document)}")
        return Limits()
    values: dict[str, Any] = {}
    for name, value in document.items():
        if name not in NAMES:
            faults.append(f"/limits/{quoted(name)} is unknown; known are {', '.join(NAMES)}")
        elif isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e12:
            faults.append(f"/limits/{name} must be a number above 0, found {quoted(value)}")
        else:
            values[NAMES[name]] = value if name == "noProgressSeconds" else int(value)
    return Limits(**values)


def setter(limits: Limits) -> Callable[[], None]:
    """What the command's process calls before it becomes the command: nothing in it may fail."""
    bounds = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, limits.open_files)]
    if limits.address_space_mb is not None:
        bounds.append((resource.RLIMIT_AS, limits.address_space_mb << 20))
    if limits.file_size_mb is not None:
        bounds.append((resource.RLIMIT_FSIZE, limits.file_size_mb << 20))
    allowed = [(number, _within(number, value)) for number, value in bounds]

    def set_limits() -> None:
        for number, value in allowed:
            resource.setrlimit(number, (value, value))

    return set_limits


def check_disk(limits: Limits, directory: os.PathLike[str]) -> None:
    """E_DISK_FULL when the disk of ``directory`` has less room than the job must leave."""
    facts = os.statvfs(directory)
    free = facts.f_bavail * facts.f_frsize >> 20
    if free < limits.free_disk_mb:
        raise JobFailure(
            "E_DISK_FULL",
            f"the disk of the job's folder has {free} MiB left, fewer than the {limits.free_disk_mb} MiB that a job must leave; "
            "free some space or run the stage on another machine",
        )


def _within(number: int, value: int) -> int:
    """A limit can be lowered only: no more than this process may have itself."""
    hard = resource.getrlimit(number)[1]
    return value if hard == resource.RLIM_INFINITY else min(value, hard)
