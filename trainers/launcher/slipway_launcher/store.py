"""Where bytes come from and go to: ``s3://bucket/key`` and, for one machine, ``file:///path``."""

from __future__ import annotations

import functools
import hashlib
import io
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from .failures import JobFailure, quoted
from .spec import RemoteFile, StoreAddress

CHUNK = 1 << 20
# An outage of the store must not cost a job that has already computed for hours.
PATIENCE_SECONDS = 600.0
LONGEST_PAUSE = 30.0
Result = TypeVar("Result")


class StoreFault(OSError):
    """The store failed; ``transient`` when it may answer later, ``code`` in the store's own words."""

    def __init__(self, message: str, transient: bool = True, code: str = "") -> None:
        super().__init__(message)
        self.transient = transient
        self.code = code


class Store(Protocol):
    """All of them: StoreFault when the store fails, KeyError when there is nothing at ``uri``."""

    def chunks(self, uri: str) -> Iterator[bytes]:
        """The bytes at ``uri``."""

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

    def put(self, uri: str, source: BinaryIO) -> None:
        path = _file_path(uri)
        with _file_faults():
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as target:
                shutil.copyfileobj(source, target, CHUNK)
                target.flush()
                os.fsync(target.fileno())
            os.replace(target.name, path)

    def put_bytes(self, uri: str, content: bytes) -> None:
        self.put(uri, io.BytesIO(content))

    def put_new(self, uri: str, content: bytes) -> bool:
        path = _file_path(uri)
        with _file_faults():
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent) as source:
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


class S3Store:
    """``s3://bucket/key`` addresses; credentials come from the launcher's own environment only."""

    def __init__(self, address: StoreAddress) -> None:
        isolate_credentials()
        import boto3
        from boto3.s3.transfer import TransferConfig
        from botocore.config import Config

        config = Config(
            s3={"addressing_style": "path"},
            retries={"mode": "standard", "max_attempts": 2},
            connect_timeout=10,
            read_timeout=60,
        )
        self._client = boto3.client("s3", endpoint_url=address.endpoint, region_name=address.region, config=config)
        self._transfer = TransferConfig(multipart_threshold=16 * CHUNK, multipart_chunksize=16 * CHUNK, max_concurrency=2)

    def chunks(self, uri: str) -> Iterator[bytes]:
        bucket, key = _bucket_and_key(uri)
        with _s3_faults(uri):
            body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
            yield from body.iter_chunks(CHUNK)

    def put(self, uri: str, source: BinaryIO) -> None:
        bucket, key = _bucket_and_key(uri)
        with _s3_faults(uri):
            # The transfer closes what it is given; the descriptor's owner is the caller.
            with os.fdopen(os.dup(source.fileno()), "rb") as copy:
                self._client.upload_fileobj(copy, bucket, key, Config=self._transfer)

    def put_bytes(self, uri: str, content: bytes) -> None:
        bucket, key = _bucket_and_key(uri)
        with _s3_faults(uri):
            self._client.put_object(Bucket=bucket, Key=key, Body=content)

    def put_new(self, uri: str, content: bytes) -> bool:
        bucket, key = _bucket_and_key(uri)
        try:
            with _s3_faults(uri):
                self._client.put_object(Bucket=bucket, Key=key, Body=content, IfNoneMatch="*")
        except StoreFault as fault:
            if fault.code == "PreconditionFailed":
                return False
            raise
        return True

    def delete(self, uri: str) -> None:
        bucket, key = _bucket_and_key(uri)
        with _s3_faults(uri):
            self._client.delete_object(Bucket=bucket, Key=key)


def isolate_credentials() -> None:
    """Neither a file in HOME nor a metadata service may decide who this job is."""
    os.environ.update(AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_CONFIG_FILE=os.devnull, AWS_EC2_METADATA_DISABLED="true")


def open_store(uri: str, address: StoreAddress) -> Store:
    """The store that serves ``uri``."""
    return _s3_store(address) if uri.startswith("s3://") else FileStore()


@functools.lru_cache(maxsize=4)
def _s3_store(address: StoreAddress) -> S3Store:
    return S3Store(address)


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


def _file_path(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path))


def _bucket_and_key(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


@contextmanager
def _s3_faults(uri: str) -> Iterator[None]:
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError

    try:
        yield
    except NoCredentialsError as fault:
        raise JobFailure("E_STORE", f"{quoted(uri)}: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") from fault
    except ClientError as fault:
        if fault.response.get("Error", {}).get("Code") in ("NoSuchKey", "NoSuchBucket", "404"):
            raise KeyError(uri) from fault
        status = int(fault.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
        transient = status >= 500 or status in (408, 409, 429)
        raise StoreFault(str(fault), transient, fault.response.get("Error", {}).get("Code", "")) from fault
    except (BotoCoreError, HTTPClientError, Boto3Error) as fault:
        raise StoreFault(str(fault)) from fault


@contextmanager
def _file_faults() -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise StoreFault(str(fault), transient=False) from fault
