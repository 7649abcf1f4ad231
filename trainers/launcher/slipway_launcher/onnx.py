"""Checks an ONNX file: it is a model to its last byte, uses standard operators, and reads no file outside its folder."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import BinaryIO, NoReturn

from .failures import JobFailure, quoted
from .paths import path_fault

STANDARD = {"", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training", "com.microsoft"}
DEPTH_LIMIT = 64
# Message fields of onnx.proto: number of the field that holds a message of the named kind.
_CHILDREN = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
_MODEL_FIELDS = {1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26}
_DOMAIN = {"node": 7}
Bytes = memoryview


def check_onnx(source: BinaryIO, size: int, path: str, beside: set[str]) -> None:
    """E_MODEL_FORMAT for what is no ONNX model, uses other operators than the standard ones, or points outside its folder."""
    try:
        _check(memoryview(mmap.mmap(source.fileno(), size, access=mmap.ACCESS_READ)), path, beside)
    except (ValueError, IndexError) as fault:
        raise JobFailure("E_MODEL_FORMAT", f"{quoted(path)} is of an unknown format: neither text, safetensors, skops nor ONNX") from fault


def _check(content: Bytes, path: str, beside: set[str]) -> None:
    numbers = [number for number, _ in _fields(content)]
    if not set(numbers) <= _MODEL_FIELDS or numbers.count(7) != 1 or 8 not in numbers:
        raise ValueError("not a ModelProto")
    foreign: set[str] = set()
    for kind, message in _messages("model", content, 0):
        if kind == "entry":
            _check_location(message, path, beside)
        elif kind in _DOMAIN:
            texts = [bytes(value).decode() for number, value in _fields(message) if number == _DOMAIN[kind] and isinstance(value, memoryview)]
            foreign.update(text for text in texts if text not in STANDARD)
    if foreign:
        listed = ", ".join(quoted(name) for name in sorted(foreign)[:10])
        _refuse(path, f"uses operators of {listed}, which need code to run; use the standard ones")


def _messages(kind: str, message: Bytes, depth: int) -> Iterator[tuple[str, Bytes]]:
    """``message`` and every message in it that matters here."""
    if depth > DEPTH_LIMIT:
        raise ValueError("too deep")
    yield kind, message
    children = _CHILDREN.get(kind, {})
    for number, value in _fields(message):
        if number in children and isinstance(value, memoryview):
            yield from _messages(children[number], value, depth + 1)


def _check_location(entry: Bytes, path: str, beside: set[str]) -> None:
    texts = {number: bytes(value).decode() for number, value in _fields(entry) if isinstance(value, memoryview)}
    if texts.get(1) != "location":
        return
    location = texts.get(2, "")
    folder = path.removeprefix("model/").rpartition("/")[0]
    place = f"{folder}/{location}" if folder else location
    if path_fault(location) is not None or place not in beside:
        _refuse(path, f"keeps weights in {quoted(location)}, which is not a file beside it")


def _fields(message: Bytes) -> Iterator[tuple[int, Bytes | int]]:
    """Field numbers and values of one protobuf message; ValueError when it does not end where its bytes do."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise ValueError("field 0")
        if wire == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == 2:
            size, at = _varint(message, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError("unknown wire type")
        if at + size > end:
            raise ValueError("cut off")
        yield number, message[at : at + size]
        at += size


def _varint(message: Bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("number too long")


def _refuse(path: str, message: str) -> NoReturn:
    raise JobFailure("E_MODEL_FORMAT", f"{quoted(path)} {message}")
