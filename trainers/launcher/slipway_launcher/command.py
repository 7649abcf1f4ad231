"""Runs the author's command: clean environment, masked and capped log, limits, no process left behind."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Callable

from .descendants import end_descendants
from .environment import command_arguments, command_environment, secret_values
from .failures import Cancelled, JobFailure, quoted
from .limits import check_disk, setter
from .log import LogCopier, last_lines
from .masking import Mask
from .own_user import become
from .progress import Progress
from .spec import JobSpec
from .watch import Watch

# Usage and configuration (sysexits), "cannot execute" and "not found": the same work ends the same way again.
_PERMANENT = {2, *range(64, 79), 126, 127} - {75}


def run_command(spec: JobSpec, tell: Callable[[dict[str, float], float], None], meanwhile: Callable[[], object]) -> None:
    """Runs the command to its end; returns when it ended with 0. ``tell`` gets its progress when that changes, and when it was written.

    ``meanwhile`` is called once it runs.

    E_TRAINER_EXIT with the last lines of the log for another end (E_TRAINER_REFUSED where trying again cannot help),
    E_TRAINER_LIMIT or E_DISK_FULL when it went over a limit; OSError when its log cannot be written.
    """
    log = spec.directory / "log.txt"
    process = _start(spec)
    assert process.stdout is not None
    copier = LogCopier(process.stdout, log, Mask(secret_values(spec, os.environ)))
    copier.start()
    watch = Watch(spec, log, Progress(spec.directory / "output/intermediate/progress.json", spec.run_as), tell)
    try:
        meanwhile()
        code = watch.wait(process)
    except (JobFailure, Cancelled):
        # Over a limit, or stopped: it has no claim to a grace, and a bomb of forks would use it.
        end_descendants(keep=process.pid, grace=0)
        raise
    finally:
        # What the command left running could still write; outputs are read only when all is quiet.
        end_descendants(keep=process.pid)
        process.wait()
        copier.join(10)
    if copier.fault is not None:
        raise copier.fault
    if code != 0:
        # What a full disk made it end with says nothing about the command.
        check_disk(spec.limits, spec.directory)
        name = "E_TRAINER_REFUSED" if code in _PERMANENT else "E_TRAINER_EXIT"
        ended = _describe_exit(spec, code)
        raise JobFailure(name, f"{ended}; the last lines of its log:\n{last_lines(log)}", code)


def _before_it(spec: JobSpec) -> Callable[[], None]:
    """What the command's process calls before it becomes the command."""
    set_limits = setter(spec.limits)
    if spec.run_as is None:
        return set_limits
    set_user = become(spec.run_as)

    def set_both() -> None:
        set_limits()
        set_user()

    return set_both


def _start(spec: JobSpec) -> subprocess.Popen[bytes]:
    arguments = command_arguments(spec)
    try:
        return subprocess.Popen(
            arguments,
            cwd=spec.directory / "code",
            env=command_environment(spec, os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=_before_it(spec),
        )
    except (OSError, subprocess.SubprocessError) as fault:
        if isinstance(fault, OSError) and fault.errno == errno.E2BIG:
            raise JobFailure("E_ARG", "arguments and variables are too many or too long all together; pass large values as a file of a data channel") from fault
        reason = fault.strerror if isinstance(fault, OSError) else "its limits cannot be set"
        raise JobFailure(
            "E_TRAINER_REFUSED", f"{quoted(arguments[0])} cannot be started: {reason}; install it or name another command", 127
        ) from fault


def _describe_exit(spec: JobSpec, code: int) -> str:
    command = quoted(" ".join(spec.command))
    if code >= 0:
        return f"{command} ended with exit code {code}"
    name = signal.Signals(-code).name if -code in signal.valid_signals() else str(-code)
    return f"{command} was ended by {name}{'; perhaps memory ran out' if name == 'SIGKILL' else ''}"
