"""``python -m slipway_serving --directory DIR --port N --metrics-port M``

DIR holds the model, ``model.json`` and ``serving.json`` ({"service", "version", "file" of the model that is loaded, its "sha256"}).
Exit codes: 0 after a stop, 2 wrong usage, 65 a model that may not be served, 69 a port that is taken.
"""

from __future__ import annotations

import os

# One thread per request: small inputs gain nothing from more, and several servers share the machine.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse  # noqa: E402
import asyncio  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from .package import PackageRefused, read_package  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m slipway_serving", allow_abbrev=False)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--metrics-port", type=int, required=True)
    options = parser.parse_args()
    directory = options.directory.resolve()
    try:
        package = read_package(directory)
    except PackageRefused as refused:
        print(refused, file=sys.stderr)
        return 65
    for port in (options.port, options.metrics_port):
        if not _free(port):
            print(f"port {port} of 127.0.0.1 is taken; choose another", file=sys.stderr)
            return 69
    # Heavy, and not needed to refuse a model.
    from mlserver.utils import install_uvloop_event_loop

    from .server import OneModelServer

    install_uvloop_event_loop()
    # Settings are read from the process environment too; only what is said here may count.
    for name in [name for name in os.environ if name.startswith("MLSERVER_")]:
        del os.environ[name]

    async def serve() -> None:
        await OneModelServer(package, directory, options.port, options.metrics_port).serve()

    print(f"{package.service} version {package.version} sha256 {package.sha256} on http://127.0.0.1:{options.port}", flush=True)
    try:
        asyncio.run(serve())
    except PackageRefused as refused:
        print(refused, file=sys.stderr)
        return 65
    return 0


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


if __name__ == "__main__":
    sys.exit(main())
