"""Where bytes come from and go to: ``s3://bucket/key`` and, for one machine, ``file:///path``."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from .failures import JobFailure, quoted
from .spec import RemoteFile, StoreAddress

CHUNK = 1 << 20
ATTEMPTS = 4


class Store(Protocol):
    def chunks(self, uri: str) -> Iterator[bytes]:
        """The bytes at ``uri``; OSError when the store fails, KeyError when there are none."""

    def put(self, uri: str, source: BinaryIO) -> None:
        """Writes all of ``source`` to ``uri``, replacing what is there; OSError when the store fails."""


class FileStore:
    """``file:///absolute/path`` addresses."""

    def chunks(self, uri: str) -> Iterator[bytes]:
        path = _file_path(uri)
        if not path.is_file():
            raise KeyError(uri)
        with path.open("rb") as source:
            while chunk := source.read(CHUNK):
                yield chunk

    def put(self, uri: str, source: BinaryIO) -> None:
        path = _file_path(uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as target:
            shutil.copyfileobj(source, target, CHUNK)
            target.flush()
            os.fsync(target.fileno())
        os.replace(target.name, path)


class S3Store:
    """``s3://bucket/key`` addresses; credentials come from the launcher's own environment only."""

    def __init__(self, address: StoreAddress) -> None:
        # Neither a file in HOME nor a metadata service may decide who this job is.
        os.environ.update(AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_CONFIG_FILE=os.devnull, AWS_EC2_METADATA_DISABLED="true")
        import boto3
        from boto3.s3.transfer import TransferConfig
        from botocore.config import Config

        config = Config(
            s3={"addressing_style": "path"},
            retries={"mode": "standard", "max_attempts": 4},
            connect_timeout=10,
            read_timeout=60,
        )
        self._client = boto3.client("s3", endpoint_url=address.endpoint, region_name=address.region, config=config)
        self._transfer = TransferConfig(multipart_threshold=16 * CHUNK, multipart_chunksize=16 * CHUNK, max_concurrency=2)

    def chunks(self, uri: str) -> Iterator[bytes]:
        bucket, key = _bucket_and_key(uri)
        with _errors_as_oserror(uri):
            body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
            yield from body.iter_chunks(CHUNK)

    def put(self, uri: str, source: BinaryIO) -> None:
        bucket, key = _bucket_and_key(uri)
        with _errors_as_oserror(uri):
            # The transfer closes what it is given; the descriptor's owner is the caller.
            with os.fdopen(os.dup(source.fileno()), "rb") as copy:
                self._client.upload_fileobj(copy, bucket, key, Config=self._transfer)


def open_store(uri: str, address: StoreAddress) -> Store:
    """The store that serves ``uri``."""
    return S3Store(address) if uri.startswith("s3://") else FileStore()


def fetch(store: Store, remote: RemoteFile, target: Path, where: str) -> None:
    """Copies ``remote`` to the new file ``target`` and checks its size and SHA-256 on the way.

    E_STORE when the store fails four times, E_ARTIFACT_DIGEST when the bytes are not the ones asked for.
    """
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _fetch_once(store, remote, target, where)
            return
        except KeyError as fault:
            raise JobFailure("E_STORE", f"{where}: {quoted(remote.uri)} does not exist in the store") from fault
        except OSError as fault:
            if attempt == ATTEMPTS:
                raise JobFailure("E_STORE", f"{where}: {quoted(remote.uri)} cannot be read: {fault}; check the store") from fault
            time.sleep(2 ** (attempt - 1))


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
def _errors_as_oserror(uri: str) -> Iterator[None]:
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError

    try:
        yield
    except NoCredentialsError as fault:
        raise JobFailure("E_STORE", f"{quoted(uri)}: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") from fault
    except ClientError as fault:
        if fault.response.get("Error", {}).get("Code") in ("NoSuchKey", "NoSuchBucket", "404"):
            raise KeyError(uri) from fault
        raise OSError(str(fault)) from fault
    except (BotoCoreError, HTTPClientError, Boto3Error) as fault:
        raise OSError(str(fault)) from fault
