"""S3 on a host without TLS, with keys in our own environment: a store of this machine or cluster, spoken to directly.

Importing an SDK takes longer than many jobs. Everything that needs more than single requests is left to it, see ``s3_sdk``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import threading
import time
import zlib
from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import quote, urlsplit

from .failures import quoted
from .plain_http import Answer, BrokenAnswer, PlainHttp
from .s3_sdk import SdkStore
from .spec import StoreAddress
from .store_fault import StoreFault

# What is larger is uploaded in parts.
SINGLE_LIMIT = 16 << 20
ERROR_LIMIT = 1 << 16
_PROXIES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
_MISSING = ("NoSuchKey", "NoSuchBucket")


def serves(address: StoreAddress) -> bool:
    """True when ``DirectStore`` can be used for the store at ``address``."""
    place = urlsplit(address.endpoint or "")
    own_machine = place.hostname in ("127.0.0.1", "::1", "localhost")
    proxied = not own_machine and any(os.environ.get(name) for name in _PROXIES)
    keys = os.environ.get("AWS_ACCESS_KEY_ID") and os.environ.get("AWS_SECRET_ACCESS_KEY")
    return bool(place.scheme == "http" and place.hostname and place.path in ("", "/") and keys and not proxied)


class _Moved(Exception):
    """The store points elsewhere: the SDK knows what that means."""


class DirectStore:
    """See ``Store``; ``s3://bucket/key`` addresses. A store that redirects is left to the SDK from then on."""

    def __init__(self, address: StoreAddress) -> None:
        place = urlsplit(address.endpoint or "")
        self._address = address
        self._host = place.netloc.rpartition("@")[2]
        self._http = PlainHttp(place.hostname or "", place.port or 80)
        self._sdk: SdkStore | None = None
        self._loading: threading.Thread | None = None
        self._moved = False

    def chunks(self, uri: str) -> Iterator[bytes]:
        try:
            answer = self._again("GET", uri)
        except _Moved:
            yield from self._loaded().chunks(uri)
            return
        try:
            yield from answer.chunks()
        except OSError as fault:
            raise StoreFault(f"{quoted(uri)}: {fault}") from fault

    def expect(self, size: int) -> None:
        if size > SINGLE_LIMIT and self._loading is None:
            self._loading = threading.Thread(target=self._load, daemon=True)
            self._loading.start()

    def put(self, uri: str, source: BinaryIO) -> None:
        if os.fstat(source.fileno()).st_size <= SINGLE_LIMIT:
            self.put_bytes(uri, source.read())
            return
        self._loaded().put(uri, source)

    def _loaded(self) -> SdkStore:
        if self._loading is not None:
            self._loading.join()
        if self._sdk is None:
            self._load()
        assert self._sdk is not None
        return self._sdk

    def _load(self) -> None:
        self._sdk = SdkStore(self._address)

    def put_bytes(self, uri: str, content: bytes) -> None:
        try:
            self._again("PUT", uri, content)
        except _Moved:
            self._loaded().put_bytes(uri, content)

    def put_new(self, uri: str, content: bytes) -> bool:
        try:
            # Once: a second try could meet what the first one wrote.
            self._once("PUT", uri, content, {"if-none-match": "*"})
        except _Moved:
            return self._loaded().put_new(uri, content)
        except StoreFault as fault:
            if fault.code == "PreconditionFailed":
                return False
            raise
        return True

    def delete(self, uri: str) -> None:
        try:
            self._again("DELETE", uri)
        except _Moved:
            self._loaded().delete(uri)
        except KeyError:
            return

    def _again(self, method: str, uri: str, content: bytes = b"") -> Answer:
        """A second try smooths over a connection that the server ended, and a short trouble of the server."""
        try:
            return self._once(method, uri, content, {})
        except StoreFault as fault:
            if not fault.transient:
                raise
        time.sleep(0.1)
        return self._once(method, uri, content, {})

    def _once(self, method: str, uri: str, content: bytes, headers: dict[str, str]) -> Answer:
        if self._moved:
            raise _Moved
        target = "/" + quote(uri.removeprefix("s3://"), safe="/-_.~")
        try:
            answer = self._http.request(method, target, self._signed(method, target, content, headers), content)
            good = 200 <= answer.status < 300
            said = b"" if good and method == "GET" else _drain(answer)
        except OSError as fault:
            raise StoreFault(f"{quoted(uri)}: {fault}") from fault
        if 300 <= answer.status < 400:
            self._moved = True
            raise _Moved
        if not good:
            raise _fault(uri, answer.status, said)
        return answer

    def _signed(self, method: str, target: str, content: bytes, more: dict[str, str]) -> dict[str, str]:
        """The headers of a request with AWS Signature Version 4."""
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        digest = hashlib.sha256(content).hexdigest()
        headers = {"host": self._host, "x-amz-content-sha256": digest, "x-amz-date": now, **more}
        if method == "PUT":
            headers["x-amz-checksum-crc32"] = base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()
        if token := os.environ.get("AWS_SESSION_TOKEN"):
            headers["x-amz-security-token"] = token
        names = sorted(headers)
        listed = ";".join(names)
        canonical = "\n".join([method, target, "", *(f"{name}:{headers[name]}" for name in names), "", listed, digest])
        scope = f"{now[:8]}/{self._address.region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = b"AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"].encode()
        for part in (*scope.split("/"), text):
            key = hmac.digest(key, part.encode(), "sha256")
        credential = f"{os.environ['AWS_ACCESS_KEY_ID']}/{scope}"
        # Says in the logs of the store who it was.
        headers["user-agent"] = "slipway-launcher"
        headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={listed}, Signature={key.hex()}"
        return headers


def _drain(answer: Answer) -> bytes:
    said = b""
    for chunk in answer.chunks():
        said += chunk
        if len(said) > ERROR_LIMIT:
            raise BrokenAnswer("the answer is too long")
    return said


def _fault(uri: str, status: int, said: bytes) -> Exception:
    found = re.search(rb"<Code>([A-Za-z0-9.]{1,80})</Code>", said)
    code = found[1].decode() if found else ""
    if code in _MISSING or (status == 404 and not code):
        return KeyError(uri)
    transient = status >= 500 or status in (408, 409, 429) or code == "RequestTimeout"
    return StoreFault(f"the store answered HTTP {status} {code}".rstrip(), transient, "PreconditionFailed" if status == 412 else code)
