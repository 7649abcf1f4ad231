"""The environment of the command: a short list, nothing inherited by accident."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .failures import JobFailure

if TYPE_CHECKING:
    from .spec import Hyperparameter, JobSpec

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# The devices of a job are chosen by who starts the launcher: Slurm, Ray, a person.
DEVICES = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")
INHERITED = ("PATH", "HOME", "LANG", "TZ", "SLIPWAY_MARKER", *DEVICES)
# What changes which code a process loads, what the launcher itself sets, and credentials.
_RESERVED = re.compile(
    r"(LD|DYLD|NODE|NPM|BASH|SM|AWS|SLIPWAY|GIT|JAVA|JDK|MALLOC|GLIBC|OPENSSL)_.*|(PYTHON|PERL5|RUBY|GCONV).*"
    r"|PATH|HOME|TMPDIR|TMP|TEMP|ENV|IFS|SHELL|SHELLOPTS|PS4|CLASSPATH|SSLKEYLOGFILE|LOCPATH|NLSPATH|CDPATH",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


SECRET_PREFIX = "SLIPWAY_SECRET_"
# MAX_ARG_STRLEN of Linux, less the byte that ends it.
ARGUMENT_LIMIT = 131_071


def forbidden_reason(name: str, credentials: bool = False) -> str | None:
    """Why a specification may not set the variable ``name``, or None when it may; ``credentials`` lets ``AWS_…`` through."""
    if not _NAME.fullmatch(name):
        return "not a variable name"
    if credentials and name.upper().startswith("AWS_"):
        return None
    if _RESERVED.fullmatch(name):
        return "reserved"
    return None


def secret_values(spec: JobSpec, own: Mapping[str, str]) -> dict[str, str]:
    """The secrets of the job by variable; E_SECRET_REF for one that whoever started the launcher did not hand over."""
    missing = [name for name in spec.secrets if SECRET_PREFIX + name not in own]
    if missing:
        raise JobFailure("E_SECRET_REF", f"the launcher was not given the secret for {', '.join(missing)}; start it through the trainer")
    return {name: own[SECRET_PREFIX + name] for name in spec.secrets}


def command_environment(spec: JobSpec, own: Mapping[str, str]) -> dict[str, str]:
    """Everything that the command finds in its environment; ``own`` is the launcher's."""
    directory = spec.directory
    environment = {name: own[name] for name in INHERITED if name in own}
    environment["PATH"] = os.pathsep.join([str(Path(spec.python).parent), own.get("PATH", os.defpath)])
    if spec.run_as is not None:
        # That of the launcher's user may not be entered.
        environment["HOME"] = str(directory / "tmp")
    environment.update(spec.environment)
    environment.update(secret_values(spec, own))
    if spec.threads is not None:
        environment.update({name: str(spec.threads) for name in THREADS if name not in spec.environment})
    environment.update(
        TMPDIR=str(spec.temporary or directory / "tmp"),
        PYTHONHASHSEED="0",
        PYTHONUNBUFFERED="1",
        SM_HPS=_all_as_json(spec),
        SM_CHANNELS=json.dumps(sorted(spec.inputs)),
        SM_MODEL_DIR=str(directory / "model"),
        SM_OUTPUT_DATA_DIR=str(directory / "output" / "data"),
        SM_OUTPUT_INTERMEDIATE_DIR=str(directory / "output" / "intermediate"),
        SM_CHECKPOINT_DIR=str(directory / "checkpoints"),
        SLIPWAY_JOB_KEY=spec.key,
    )
    for name, value in spec.hyperparameters.items():
        environment[f"SM_HP_{_variable(name)}"] = argument(value)
    for channel in spec.inputs:
        environment[f"SM_CHANNEL_{_variable(channel)}"] = str(directory / "input" / "data" / channel)
    return environment


def check_arguments(spec: JobSpec) -> None:
    """E_ARG names every argument and variable that no process can be given: a NUL, no text, or too long."""
    texts = [(f"/command/{n}", word) for n, word in enumerate(spec.command)]
    # The longest of its forms: an argument has no name in front of it.
    texts += [(f"/hyperparameters/{name}", f"SM_HP_{name}={argument(value)}") for name, value in spec.hyperparameters.items()]
    texts.append(("/hyperparameters", f"SM_HPS={_all_as_json(spec)}"))
    texts += [(f"/environment/{name}", f"{name}={value}") for name, value in spec.environment.items()]
    faults = [f"- {place} {fault}" for place, text in texts if (fault := _argument_fault(text))]
    if faults:
        listed = "\n".join(faults[:20])
        raise JobFailure("E_ARG", f"no command can be given these values:\n{listed}\npass large values as a file of a data channel, and binary ones encoded")


def _argument_fault(text: str) -> str | None:
    if "\0" in text:
        return "holds a NUL character"
    try:
        size = len(os.fsencode(text))
    except UnicodeEncodeError:
        return "holds characters that are no text here, such as half a surrogate pair"
    return None if size <= ARGUMENT_LIMIT else f"has {size} bytes as an argument or variable, at most {ARGUMENT_LIMIT} are possible"


def command_arguments(spec: JobSpec) -> list[str]:
    """The command with ``python`` replaced and ``--name value`` for each hyperparameter, sorted by name."""
    first, *rest = spec.command
    arguments = [spec.python if first == "python" else first, *rest]
    for name, value in sorted(spec.hyperparameters.items()):
        arguments += [f"--{name}", argument(value)]
    return arguments


def argument(value: Hyperparameter) -> str:
    """A hyperparameter as text: strings as they are, all else as JSON writes it, such as ``true`` or ``[1, 2]``."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _all_as_json(spec: JobSpec) -> str:
    return json.dumps(spec.hyperparameters, sort_keys=True)


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")
