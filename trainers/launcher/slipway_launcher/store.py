"""Where bytes come from and go to: ``s3://bucket/key`` and, for one machine, ``file:///path``."""

from __future__ import annotations

import functools
import hashlib
import io
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from . import s3_direct, s3_sdk
from .failures import JobFailure, quoted
from .spec import RemoteFile, StoreAddress
from .store_fault import StoreFault

CHUNK = 1 << 20
# An outage of the store must not cost a job that has already computed for hours.
PATIENCE_SECONDS = 600.0
LONGEST_PAUSE = 30.0
Result = TypeVar("Result")


class Store(Protocol):
    """All of them: StoreFault when the store fails, KeyError when there is nothing at ``uri``."""

    def chunks(self, uri: str) -> Iterator[bytes]:
        """The bytes at ``uri``."""

    def expect(self, size: int) -> None:
        """Says that a file of so many bytes will be put soon, so that what that takes can be loaded meanwhile."""

    def put(self, uri: str, source: BinaryIO) -> None:
        """Writes all of the file ``source``, from where it stands, to ``uri``, replacing what is there."""

    def put_bytes(self, uri: str, content: bytes) -> None:
        """Writes ``content`` to ``uri``, replacing what is there."""

    def put_new(self, uri: str, content: bytes) -> bool:
        """Writes ``content`` to ``uri`` if nothing is there; whether it did."""

    def delete(self, uri: str) -> None:
        """Removes what is at ``uri``, if anything is."""


def patiently(work: Callable[[], Result], patience: float = PATIENCE_SECONDS) -> Result:
    """Does ``work`` again, with growing pauses, while the store fails for now; gives up after ``patience`` seconds."""
    deadline = time.monotonic() + patience
    pause = 0.5
    while True:
        try:
            return work()
        except StoreFault as fault:
            import random

            wait = pause * random.uniform(0.5, 1.0)  # noqa: S311 - spreads requests, hides nothing
            if not fault.transient or time.monotonic() + wait > deadline:
                raise
            time.sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE)


class FileStore:
    """``file:///absolute/path`` addresses."""

    def chunks(self, uri: str) -> Iterator[bytes]:
        path = _file_path(uri)
        if not path.is_file():
            raise KeyError(uri)
        with _file_faults(), path.open("rb") as source:
            while chunk := source.read(CHUNK):
                yield chunk

    def expect(self, size: int) -> None:
        """It takes nothing."""

    def put(self, uri: str, source: BinaryIO) -> None:
        path = _file_path(uri)
        with _file_faults():
            path.parent.mkdir(parents=True, exist_ok=True)
            with _temporary(path.parent, delete=False) as target:
                try:
                    shutil.copyfileobj(source, target, CHUNK)
                    target.flush()
                    os.fsync(target.fileno())
                    os.replace(target.name, path)
                except BaseException:
                    os.unlink(target.name)
                    raise

    def put_bytes(self, uri: str, content: bytes) -> None:
        self.put(uri, io.BytesIO(content))

    def put_new(self, uri: str, content: bytes) -> bool:
        path = _file_path(uri)
        with _file_faults():
            path.parent.mkdir(parents=True, exist_ok=True)
            with _temporary(path.parent) as source:
                source.write(content)
                source.flush()
                try:
                    # Whole from the first moment on, unlike a file that is made and then written.
                    os.link(source.name, path)
                except FileExistsError:
                    return False
        return True

    def delete(self, uri: str) -> None:
        with _file_faults():
            _file_path(uri).unlink(missing_ok=True)


def open_store(uri: str, address: StoreAddress) -> Store:
    """The store that serves ``uri``."""
    return _s3_store(address) if uri.startswith("s3://") else FileStore()


@functools.lru_cache(maxsize=4)
def _s3_store(address: StoreAddress) -> Store:
    return s3_direct.DirectStore(address) if s3_direct.serves(address) else s3_sdk.SdkStore(address)


def fetch(store: Store, remote: RemoteFile, target: Path, where: str) -> None:
    """Copies ``remote`` to the new file ``target`` and checks its size and SHA-256 on the way.

    E_STORE when the store fails for ten minutes, E_ARTIFACT_MISSING when it has no such object, E_ARTIFACT_DIGEST when
    the bytes are not the ones asked for.
    """
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        patiently(lambda: _fetch_once(store, remote, target, where))
    except KeyError as fault:
        raise JobFailure("E_ARTIFACT_MISSING", f"{where}: {quoted(remote.uri)} does not exist in the store") from fault
    except StoreFault as fault:
        raise JobFailure("E_STORE", f"{where}: {quoted(remote.uri)} cannot be read: {fault}; check the store") from fault


def _fetch_once(store: Store, remote: RemoteFile, target: Path, where: str) -> None:
    digest, size = hashlib.sha256(), 0
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(target, flags, 0o600), "wb") as sink:
        for chunk in store.chunks(remote.uri):
            digest.update(chunk)
            size += len(chunk)
            if size > remote.bytes:
                break
            sink.write(chunk)
    found = digest.hexdigest()
    if size > remote.bytes or size < remote.bytes or found != remote.sha256:
        amount = f"more than {remote.bytes}" if size > remote.bytes else str(size)
        raise JobFailure(
            "E_ARTIFACT_DIGEST",
            f"{where}: {quoted(remote.uri)} should have {remote.bytes} bytes with sha256 {remote.sha256[:12]}, "
            f"found {amount} bytes with sha256 {found[:12]}; the stored bytes were changed, make the artifact again",
        )


def _temporary(folder: Path, delete: bool = True) -> Any:
    # Not needed where the store is elsewhere, and every millisecond of the start is one of each job.
    import tempfile

    return tempfile.NamedTemporaryFile(dir=folder, delete=delete)


def _file_path(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path))


@contextmanager
def _file_faults() -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise StoreFault(str(fault), transient=False) from fault
