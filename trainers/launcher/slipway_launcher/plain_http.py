"""HTTP/1.1, and answers in HTTP/1.0, without TLS over connections that are kept: what a store beside us needs, without the start-up of a library."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
# Servers end connections that idle; one that rested no longer than this is taken again.
KEPT_SECONDS = 3.0
LINE_LIMIT = 1 << 16
HEADER_LIMIT = 100
PART = 1 << 18


class BrokenAnswer(OSError):
    """The connection ended, or what came over it is no HTTP, before the answer was whole."""


class _Link(NamedTuple):
    socket: socket.socket
    source: BinaryIO
    rested: float

    def end(self) -> None:
        self.source.close()
        self.socket.close()

    def usable(self) -> bool:
        """Nothing came since the last answer, the end of the connection neither."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return time.monotonic() - self.rested < KEPT_SECONDS and not poll.poll(0)


class PlainHttp:
    """Connections to one host; may be used by several threads."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._rested: list[_Link] = []

    def request(self, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        """Sends one request; OSError (``BrokenAnswer`` among them) when no answer begins."""
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), f"content-length: {len(body)}"]
        link = self._link()
        try:
            _send(link.socket, "\r\n".join([*lines, "", ""]).encode("ascii"), body)
            return Answer(link, self._rested)
        except BaseException:
            link.end()
            raise

    def _link(self) -> _Link:
        while self._rested:
            try:
                link = self._rested.pop()
            except IndexError:
                break
            if link.usable():
                return link
            link.end()
        made = socket.create_connection(self._address, CONNECT_SECONDS)
        made.settimeout(READ_SECONDS)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _Link(made, made.makefile("rb"), 0)


class Answer:
    """``headers`` have lower-case names. Its connection can be used again once ``chunks`` was read to its end."""

    def __init__(self, link: _Link, rested: list[_Link]) -> None:
        self._link, self._rested = link, rested
        self.status, self.headers, version = _read_head(link.source)
        said = self.headers.get("connection", "").lower()
        self._kept = said != "close" if version == "HTTP/1.1" else said == "keep-alive"

    def chunks(self) -> Iterator[bytes]:
        """The body; BrokenAnswer when it ends too soon."""
        whole = False
        try:
            length = self.headers.get("content-length", "")
            chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
            if chunked:
                yield from _chunked(self._link.source)
            elif length.isdecimal():
                yield from _exactly(self._link.source, int(length))
            elif self.status != 204 and self._kept:
                raise BrokenAnswer("the answer does not say how long it is")
            elif self.status != 204:
                # Up to the end of the connection; who reads knows by a digest what must come.
                while part := self._link.source.read(PART):
                    yield part
            whole = self._kept
        finally:
            if whole:
                self._rested.append(self._link._replace(rested=time.monotonic()))
            else:
                self._link.end()


def _send(to: socket.socket, head: bytes, body: bytes) -> None:
    """In slices, each within the time limit. A server that refuses answers before it has read all, and stops reading."""
    whole = memoryview(body)
    try:
        to.sendall(head + whole[:PART])
        for at in range(PART, len(body), PART):
            to.sendall(whole[at : at + PART])
    except (BrokenPipeError, ConnectionResetError):
        return


def _read_head(source: BinaryIO) -> tuple[int, dict[str, str], str]:
    status = 100
    while 100 <= status < 200:
        version, _, rest = _line(source).partition(" ")
        if version not in ("HTTP/1.1", "HTTP/1.0") or not rest[:3].isdecimal():
            raise BrokenAnswer("the answer is not HTTP/1.1 or HTTP/1.0")
        status, headers = int(rest[:3]), {}
        while line := _line(source):
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
            if len(headers) > HEADER_LIMIT:
                raise BrokenAnswer("the answer has too many headers")
    return status, headers, version


def _line(source: BinaryIO) -> str:
    line = source.readline(LINE_LIMIT)
    if not line.endswith(b"\n"):
        raise BrokenAnswer("the connection ended within the head of the answer")
    return line.decode("latin-1").rstrip("\r\n")


def _exactly(source: BinaryIO, size: int) -> Iterator[bytes]:
    while size > 0:
        part = source.read(min(size, PART))
        if not part:
            raise BrokenAnswer(f"the connection ended {size} bytes before the end of the answer")
        size -= len(part)
        yield part


def _chunked(source: BinaryIO) -> Iterator[bytes]:
    while True:
        size = _line(source).partition(";")[0].strip()
        try:
            count = int(size, 16)
        except ValueError as fault:
            raise BrokenAnswer("the answer is not chunked as it says") from fault
        if count == 0:
            while _line(source):
                pass
            return
        yield from _exactly(source, count)
        _line(source)
