"""``python -m slipway_launcher SPEC.json``

Exit codes: 0 the job succeeded, 1 it failed (``state.json`` says why), 2 wrong usage, 65 no usable
specification, 75 another launcher is at work in the same directory.
"""

from __future__ import annotations

import sys
from pathlib import Path

from .failures import JobFailure
from .job import run_job
from .spec import read_document


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m slipway_launcher SPEC.json", file=sys.stderr)
        return 2
    try:
        document = read_document(Path(arguments[0]))
    except JobFailure as failure:
        print(failure, file=sys.stderr)
        return 65
    directory = Path(str(document.get("directory")))
    if not directory.is_absolute() or not directory.is_dir() or directory.is_symlink():
        print(f"E_TRAINER_SPEC: /directory {directory} must be an absolute path of an existing folder", file=sys.stderr)
        return 65
    try:
        return 0 if run_job(document, directory) else 1
    except BlockingIOError:
        print(f"another launcher is at work in {directory}", file=sys.stderr)
        return 75


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
