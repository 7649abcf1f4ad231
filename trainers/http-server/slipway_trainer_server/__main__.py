"""``python -m slipway_trainer_server --directory DIR --token-file FILE [--port N] …``

Serves on 127.0.0.1; put a proxy that speaks TLS before it to serve others. Prints ``{"port": N}`` when it is ready.
Exit codes: 0 ended by a signal, 2 wrong usage, 75 another server owns the directory, 78 a file is missing or wrong.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import sys
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

from .courier import Courier
from .http_handler import handler
from .job_request import Site
from .jobs import Jobs


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="slipway_trainer_server", allow_abbrev=False)
    parser.add_argument("--directory", type=Path, required=True, help="where each job gets its folder")
    parser.add_argument("--token-file", type=Path, required=True, help="holds the bearer token that callers must send")
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--environments", type=Path, default=Path("environments"), help="Python environments, by 16 digits of the digest of their requirements")
    parser.add_argument("--store-endpoint", help="of S3; default: that of AWS. Credentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY")
    parser.add_argument("--store-region", default="us-east-1")
    parser.add_argument("--callback-origin", action="append", default=[], help="where jobs may ask to be told about, such as https://gateway.example; may be given often")
    parser.add_argument("--callback-key-file", type=Path, help="holds the key (whsec_…) that signs what is pushed")
    return parser.parse_args()


def secret(file: Path) -> str:
    try:
        text = file.read_text("utf-8").strip()
    except OSError as fault:
        sys.exit(_complain(f"{file} cannot be read: {fault.strerror}", 78))
    return text if len(text) >= 24 else sys.exit(_complain(f"{file} must hold at least 24 characters", 78))


def main() -> None:
    given = options()
    token = secret(given.token_file)
    directory = given.directory.resolve()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(_complain(f"another server owns {directory}", 75))
    site = Site(
        directory=directory,
        environments=given.environments.resolve(),
        launcher_python=Path(sys.executable),
        store_endpoint=given.store_endpoint,
        store_region=given.store_region,
        callback_origins=tuple(given.callback_origin) if given.callback_key_file else (),
    )
    jobs = Jobs(site)
    courier = Courier(jobs, secret(given.callback_key_file)) if given.callback_key_file else None
    if courier is not None:
        threading.Thread(target=courier.run, daemon=True).start()
    server = ThreadingHTTPServer(("127.0.0.1", given.port), handler(jobs, token, courier.watch if courier else lambda key: None))
    server.daemon_threads = True
    # Jobs go on without us, and are found again.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(json.dumps({"port": server.server_port}), flush=True)
    server.serve_forever()


def _complain(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
