"""The HTTP side: routes, the token, limits on what is read."""

from __future__ import annotations

import hmac
import json
import re
import sys
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .jobs import Jobs
from .refusals import Refusal

BODY_LIMIT = 4 << 20
_PATH = re.compile(r"/jobs/([0-9a-f]{64})(/logs|/stop)?")
_NUMBER = re.compile(r"[0-9]{1,15}")


def handler(jobs: Jobs, token: str, started: Callable[[str], None]) -> type[BaseHTTPRequestHandler]:
    """A request handler for these jobs; ``started`` is told the key of each job that is asked for."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "slipway-trainer-server"
        sys_version = ""
        timeout = 15

        def do_GET(self) -> None:  # noqa: N802 (the base class calls it so)
            self._answer()

        def do_PUT(self) -> None:  # noqa: N802
            self._answer()

        def do_POST(self) -> None:  # noqa: N802
            self._answer()

        def _answer(self) -> None:
            try:
                status, body = self._route()
            except Refusal as refusal:
                status, body = refusal.status, refusal.body
            except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
                status, body = 400, Refusal(400, "E_JSON", "the body is no JSON").body
            except Exception:
                traceback.print_exc(file=sys.stderr)
                status, body = 500, Refusal(500, "E_INTERNAL", "the service failed; its log says why").body
            self._send(status, body)

        def _route(self) -> tuple[int, dict[str, Any]]:
            split = urlsplit(self.path)
            if split.path == "/healthz" and self.command == "GET":
                return 200, {"ready": True}
            self._authenticate()
            match = _PATH.fullmatch(split.path)
            if match is None:
                # Not the words of a denial: this says nothing about any job.
                raise Refusal(404, "E_NOT_FOUND", "there is no such path; see openapi.json")
            key, action = match[1], match[2]
            call = (self.command, action)
            if call == ("PUT", None):
                return self._start(key)
            if call == ("GET", None):
                return 200, jobs.state(key)
            if call == ("POST", "/stop"):
                return 200, jobs.stop(key)
            if call == ("GET", "/logs"):
                query = parse_qs(split.query)
                return 200, jobs.logs(key, _number(query, "from", None), _number(query, "bytes", 8192) or 0)
            raise Refusal(405, "E_METHOD", "this path has no such method; see openapi.json")

        def _start(self, key: str) -> tuple[int, dict[str, Any]]:
            if self.headers.get("idempotency-key") != key:
                raise Refusal(400, "E_TRAINER_SPEC", "the header Idempotency-Key must be the key of the path")
            body = json.loads(self._body(), parse_constant=_refuse_constant)
            state, now = jobs.start(key, body)
            started(key)
            return (201 if now else 200), state

        def _authenticate(self) -> None:
            given = self.headers.get("authorization", "").encode("latin-1", "replace")
            if not hmac.compare_digest(given, f"Bearer {token}".encode()):
                raise Refusal(401, "E_TRAINER_ACCESS", "the token is missing or wrong")

        def _body(self) -> str:
            if self.headers.get_content_type() != "application/json" or "content-encoding" in self.headers:
                raise Refusal(415, "E_CONTENT_TYPE", "the body must be plain application/json")
            length = self.headers.get("content-length", "")
            if not _NUMBER.fullmatch(length) or "transfer-encoding" in self.headers:
                raise Refusal(411, "E_BODY_SIZE", "Content-Length is missing")
            if int(length) > BODY_LIMIT:
                raise Refusal(413, "E_BODY_SIZE", f"the body may have at most {BODY_LIMIT} bytes")
            return self.rfile.read(int(length)).decode("utf-8")

        def _send(self, status: int, body: dict[str, Any]) -> None:
            raw = json.dumps(body, allow_nan=False).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            if status >= 400:
                # What was not read of a refused body must not be taken for the next request.
                self.send_header("connection", "close")
                self.close_connection = True
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing: addresses and keys of every poll are no log that anybody reads."""

    return Handler


def _number(query: dict[str, list[str]], name: str, default: int | None) -> int | None:
    values = query.get(name)
    if values is None:
        return default
    if len(values) != 1 or not _NUMBER.fullmatch(values[0]):
        raise Refusal(400, "E_TRAINER_SPEC", f"the query parameter {name} must be one whole number")
    return int(values[0])


def _refuse_constant(name: str) -> float:
    raise json.JSONDecodeError(f"{name} is no JSON", name, 0)
