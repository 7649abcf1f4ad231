"""Stands before the server: limits bodies, and signs every answer to an inference with version and digest."""

from __future__ import annotations

import json
import logging
from typing import Any

_LOGGER = logging.getLogger("slipway_serving")

BODY_BYTES = 1 << 20
# Read and dropped before a refusal: a client that still sends would meet a closed socket instead of the answer.
DROPPED_BYTES = 16 << 20


class RequestGuard:
    """ASGI middleware; ``headers`` are added to every answer of an ``/infer`` path, refusals included."""

    def __init__(self, app: Any, headers: dict[str, str]) -> None:
        self._app = app
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].endswith("/infer"):
            await self._app(scope, receive, send)
            return

        async def signed(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *self._headers]}
            await send(message)

        body = await _read(receive)
        if body is None:
            await _refuse(signed, 413, f"a request may have at most {BODY_BYTES} bytes")
            return
        if any(name == b"content-encoding" and value != b"identity" for name, value in scope["headers"]):
            await _refuse(signed, 415, "send the request without content-encoding")
            return
        replayed = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def replay() -> Any:
            return next(replayed, None) or await receive()

        try:
            await self._app(scope, replay, signed)
        except Exception:
            _LOGGER.exception("a request to %s was not answered", scope["path"])
            await _refuse(signed, 500, "the server failed to answer; its log says why")


async def _read(receive: Any) -> bytes | None:
    """The whole body, or None when it is too large."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        part = message.get("body", b"")
        size += len(part)
        if size <= BODY_BYTES:
            parts.append(part)
        if not message.get("more_body", False) or size > DROPPED_BYTES:
            return b"".join(parts) if size <= BODY_BYTES else None


async def _refuse(send: Any, status: int, message: str) -> None:
    body = json.dumps({"error": message}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
