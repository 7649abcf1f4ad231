"""Runs the author's command: clean environment, capped log, time limit, no process left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import BinaryIO

from .descendants import end_descendants
from .environment import command_arguments, command_environment
from .failures import JobFailure, printable, quoted
from .spec import JobSpec

LOG_LIMIT = 64 << 20


def run_command(spec: JobSpec) -> None:
    """Runs the command to its end; returns when it ended with 0.

    E_TRAINER_EXIT with the last lines of the log for another end, E_TRAINER_LIMIT after ``max_seconds``.
    """
    log = spec.directory / "log.txt"
    arguments = command_arguments(spec)
    try:
        process = subprocess.Popen(
            arguments,
            cwd=spec.directory / "code",
            env=command_environment(spec, os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except OSError as fault:
        raise JobFailure(
            "E_TRAINER_EXIT", f"{quoted(arguments[0])} cannot be started: {fault.strerror}; install it or name another command", 127
        ) from fault
    assert process.stdout is not None
    copier = threading.Thread(target=copy_log, args=(process.stdout, log), daemon=True)
    copier.start()
    try:
        code = process.wait(spec.max_seconds)
    except subprocess.TimeoutExpired as fault:
        raise JobFailure(
            "E_TRAINER_LIMIT", f"the command ran longer than {spec.max_seconds:g} s and was ended; raise the stage's timeout or train less"
        ) from fault
    finally:
        # What the command left running could still write; outputs are read only when all is quiet.
        end_descendants(keep=process.pid)
        process.wait()
        copier.join(10)
    if code != 0:
        raise JobFailure("E_TRAINER_EXIT", _describe_exit(spec, code, log), code)


def copy_log(source: BinaryIO, log: Path, limit: int = LOG_LIMIT) -> None:
    """Copies ``source`` to the new file ``log`` until its end; at ``limit`` bytes a line says that the rest was dropped."""
    written = 0
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as sink:
        while chunk := os.read(source.fileno(), 1 << 16):
            if written <= limit:
                sink.write(chunk[: limit - written])
                if written + len(chunk) > limit:
                    sink.write(f"\nlog cut at {limit >> 20} MiB: the command wrote more\n".encode())
            # The rest is read and dropped, so that the command never waits for a full pipe.
            written += len(chunk)


def _describe_exit(spec: JobSpec, code: int, log: Path) -> str:
    command = quoted(" ".join(spec.command))
    if code < 0:
        name = signal.Signals(-code).name if -code in signal.valid_signals() else str(-code)
        hint = "; perhaps memory ran out" if name == "SIGKILL" else ""
        ended = f"was ended by {name}{hint}"
    else:
        ended = f"ended with exit code {code}"
    return f"{command} {ended}; the last lines of its log:\n{_last_lines(log)}"


def _last_lines(log: Path, count: int = 20, size: int = 1500) -> str:
    with log.open("rb") as source:
        source.seek(max(0, os.fstat(source.fileno()).st_size - 8 * size))
        text = _printable_tail(source.read().decode("utf-8", "replace"), count, size)
    return text or "(it wrote nothing)"


def _printable_tail(text: str, count: int, size: int) -> str:
    """The last ``count`` lines of ``text``, at most ``size`` characters, fit to be shown."""
    lines = [printable(line[-size:]) for line in text.rstrip().splitlines()[-count:]]
    return "\n".join(lines)[-size:]
