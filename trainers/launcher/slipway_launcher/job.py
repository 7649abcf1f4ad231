"""One job as a story: fetch, run, collect, upload; every end is written to ``state.json``."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import signal
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from .checkpoints import Checkpoints
from .code_archive import unpack
from .command import run_command
from .descendants import adopt_orphans, end_descendants
from .environment import command_arguments
from .failures import Cancelled, JobFailure
from .limits import check_disk
from .live import LiveUploads
from .own_user import check_reach, find_user, hand_over, let_in
from .short_path import remove_links, short_path
from .spec import JobSpec, parse_spec
from .state import JobState, succeeded_before
from .store import fetch, open_store

FOLDERS = ("code", "input/data", "model", "output/data", "output/intermediate", "checkpoints", "tmp")
TOP = tuple(dict.fromkeys(folder.partition("/")[0] for folder in FOLDERS))


def run_job(document: dict[str, Any], directory: Path) -> bool:
    """Runs the job described by ``document`` in ``directory``; True when it succeeded.

    A directory whose job has succeeded before is left as it is: the same key is the same job.
    Raises BlockingIOError when another launcher works in ``directory``.
    """
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if succeeded_before(directory):
        return True
    state = JobState(directory)
    adopt_orphans()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _cancel)
    try:
        state.enter("fetching")
        manifest = _run(parse_spec(document), state)
        _ignore_cancel()
        # Before the job has ended for others: whoever sees the end finds the folder as it stays.
        _remove_folders(directory)
        state.succeed(manifest)
        return True
    except JobFailure as fault:
        failure = fault
    except Cancelled as stop:
        failure = stop.failure
    except OSError as fault:
        failure = _disk_failure(fault)
    _ignore_cancel()
    end_descendants()
    # First of all, so that a full disk has room for the state.
    _remove_folders(directory)
    state.fail(failure)
    return False


def _run(spec: JobSpec, state: JobState) -> dict[str, Any]:
    if spec.user is not None:
        spec = spec._replace(run_as=find_user(spec.user, spec.key))
    _lay_out(spec.directory)
    spec = spec._replace(temporary=short_path(spec.directory / "tmp"))
    if spec.run_as is not None:
        let_in(spec.run_as, spec.directory)
        program = Path(command_arguments(spec)[0])
        check_reach(spec.run_as, [program] if program.is_absolute() else [], spec.directory)
    check_disk(spec.limits, spec.directory)
    _fetch_all(spec)
    checkpoints = Checkpoints(spec)
    checkpoints.restore()
    if spec.run_as is not None:
        hand_over(spec.run_as, [spec.directory / folder for folder in TOP])
    state.enter("running")

    def tell(numbers: dict[str, float], at: float) -> None:
        state.progress(numbers)
        checkpoints.told(numbers, at)

    with LiveUploads(spec, checkpoints):
        run_command(spec, tell, _load_outputs)
    state.enter("uploading")
    outputs = _load_outputs()
    return outputs.upload_outputs(spec, outputs.collect_outputs(spec))


def _load_outputs() -> ModuleType:
    """What is needed after the command only: loading it must not keep the command waiting."""
    from . import outputs

    return outputs


def _lay_out(directory: Path) -> None:
    """Makes the folders anew: what an ended attempt left must not be taken for a result of this one."""
    _remove_folders(directory)
    for folder in FOLDERS:
        (directory / folder).mkdir(mode=0o700, parents=True)


def _remove_folders(directory: Path) -> None:
    """Nothing is left of a job that ended but what tells about it: state, log, manifest."""
    for folder in TOP:
        shutil.rmtree(directory / folder, ignore_errors=True)
    remove_links(directory / "tmp")


def _disk_failure(fault: OSError) -> JobFailure:
    if fault.errno in (errno.ENOSPC, errno.EDQUOT):
        return JobFailure("E_DISK_FULL", f"the disk of the job's folder is full: {fault}; free some space or run the stage on another machine")
    return JobFailure("E_TRAINER_LIMIT", f"the job's directory cannot be used: {fault}; check its permissions")


def _fetch_all(spec: JobSpec) -> None:
    if spec.code is not None:
        archive = spec.directory / "tmp" / spec.code.path
        fetch(open_store(spec.code.uri, spec.store), spec.code, archive, "the code")
        unpack(archive, spec.directory / "code")
        archive.unlink()
    for channel, files in spec.inputs.items():
        folder = spec.directory / "input" / "data" / channel
        folder.mkdir(mode=0o700)
        for remote in files:
            fetch(open_store(remote.uri, spec.store), remote, folder / remote.path, f"input {remote.path} of channel {channel}")


def _cancel(number: int, _frame: object) -> NoReturn:
    _ignore_cancel()
    raise Cancelled(JobFailure("E_TRAINER_CANCELLED", f"the job was stopped by {signal.Signals(number).name}; all its processes were ended"))


def _ignore_cancel() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
