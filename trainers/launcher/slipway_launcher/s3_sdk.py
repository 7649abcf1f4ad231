"""S3 through boto3: every kind of credentials, TLS, proxies, uploads in parts. Importing it takes a fifth of a second."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from .failures import JobFailure, quoted
from .spec import StoreAddress
from .store_fault import StoreFault

CHUNK = 1 << 20


class SdkStore:
    """``s3://bucket/key`` addresses; credentials come from the launcher's own environment only."""

    def __init__(self, address: StoreAddress) -> None:
        isolate_credentials()
        if sys.flags.no_site:
            # The launcher may start without its installed packages, which only this needs.
            import site

            site.main()
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

    def expect(self, size: int) -> None:
        """All that it takes is loaded."""

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
