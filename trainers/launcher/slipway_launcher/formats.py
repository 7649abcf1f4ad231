"""Which format a model file has, by its content; names and endings mean nothing here.

Data-only formats (``_DATA_ONLY``) are taken. Pickles run code when they are loaded:
they are taken only when the stage trusts them, everything else never.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import pickletools
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from .failures import JobFailure, quoted
from .onnx import check_onnx
from .paths import open_regular
from .safetensors import check_safetensors

if TYPE_CHECKING:
    import zipfile

HEAD = 1 << 16
JSON_LIMIT = 256 << 20
# How the manifest calls the data-only formats, and how people do.
_DATA_ONLY = {"onnx": "ONNX", "safetensors": "safetensors", "skops": "skops", "json": "JSON", "text": "plain text"}
KNOWN = ", ".join(_DATA_ONLY.values())
_CALLS = ("REDUCE", "BUILD", "OBJ", "NEWOBJ", "NEWOBJ_EX")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_COMPRESSED: list[tuple[bytes, Callable[[BinaryIO], BinaryIO]]] = [
    (b"\x1f\x8b", lambda source: gzip.GzipFile(fileobj=source)),  # type: ignore[dict-item,return-value]
    (b"BZh", lambda source: bz2.BZ2File(source)),  # type: ignore[return-value]
    (b"\xfd7zXZ", lambda source: lzma.LZMAFile(source)),  # type: ignore[return-value]
]


def model_formats(files: list[tuple[str, Path]], trust: list[str]) -> dict[str, str]:
    """Format of each file below ``model/``, by path.

    E_MODEL_FORMAT for one that is neither a data-only format nor trusted, E_ARTIFACT_SIZE for an empty ``model.*``.
    """
    beside = {path.removeprefix("model/") for path, _ in files}
    return {path: _format(path, place, beside, trust) for path, place in files}


def _format(path: str, place: Path, beside: set[str], trust: list[str]) -> str:
    with os.fdopen(open_regular(place), "rb") as source:
        size = os.fstat(source.fileno()).st_size
        if size == 0 and re.fullmatch(r"model/model\.[^/]+", path):
            raise JobFailure("E_ARTIFACT_SIZE", f"{quoted(path)} is empty; close the file before the command ends")
        found = sniff(source, size, path, beside)
    if found in ("pickle", "an archive with pickles", "a compressed pickle") and "pickle" in trust:
        return "pickle"
    if found in _DATA_ONLY:
        return found
    hint = "; a pickle runs code when it is loaded: save the model as data, or state trustPickle for the trainer" if "pickle" in found else ""
    named = "a pickle" if found == "pickle" else found
    raise JobFailure("E_MODEL_FORMAT", f"{quoted(path)} is {named} by its content; a model is {KNOWN}{hint}")


def sniff(source: BinaryIO, size: int, path: str, beside: set[str]) -> str:
    """Names the format of ``source``; E_MODEL_FORMAT for one that only begins like a known format."""
    head = source.read(HEAD)
    if head[:4] == b"PK\x03\x04":
        return _sniff_zip(source)
    # Before the header of pickles: the length that this one begins with may look like it.
    if _begins_safetensors(head) and not _unpickles(head):
        check_safetensors(source, size, path)
        return "safetensors"
    if _is_pickle(head):
        return "pickle"
    for magic, opened in _COMPRESSED:
        if head.startswith(magic):
            return _sniff_compressed(opened, source)
    if head[:1] == b"\x78" and _is_pickle(_inflated(head)):
        return "pickle"
    text = _sniff_text(source, size, head, path)
    if text is not None:
        return text
    # The last: the encoding of ONNX has no magic number.
    if head[:1] == b"\x08":
        check_onnx(source, size, path, beside)
        return "onnx"
    return "an unknown format"


def _is_pickle(head: bytes) -> bool:
    return (head[:1] == b"\x80" and len(head) > 1 and head[1] <= 5) or _unpickles(head)


def _unpickles(head: bytes) -> bool:
    """True when a loader of pickles would get to the end of ``head``, or run code before: errors that come later do not undo that.

    Of the stack only its greatest possible height is known, so text that happens to read like a call is refused too.
    """
    stream, imported, marked, height = io.BytesIO(head), False, False, 0
    try:
        for operation, value, _ in pickletools.genops(stream):
            name, needs = operation.name, operation.stack_before
            if pickletools.markobject in needs:
                if not marked:
                    return False
            else:
                height -= len(needs)
            if height < 0:
                # Here every loader stops.
                return False
            height += len(operation.stack_after)
            named = all(part.isidentifier() for part in re.split(r"[ .]", str(value)))
            if name == "STOP":
                return count > 0
            if name == "STACK_GLOBAL":
                # It takes two names from the stack: on an empty one every loader stops (the files of NumPy begin with this byte).
                return count >= 2
            if (name in _CALLS and imported) or (name == "INST" and marked and named):
                return True
            imported = imported or (name == "GLOBAL" and named)
            marked = marked or name == "MARK"
    except ValueError:
        # What goes on behind the part that was read cannot be known.
        return len(head) == HEAD and stream.tell() >= HEAD
    return False


def _sniff_zip(source: BinaryIO) -> str:
    import zipfile

    try:
        with zipfile.ZipFile(source) as archive:
            names = archive.namelist()
            if any(name.endswith((".pkl", ".pickle", ".p")) for name in names) or _holds_pickle(archive, names):
                return "an archive with pickles"
            if "schema.json" in names:
                schema = json.loads(archive.read("schema.json"))
                if isinstance(schema, dict) and {"__class__", "__module__", "__loader__", "protocol"} <= set(schema):
                    return "skops"
    except (zipfile.BadZipFile, ValueError, KeyError, OSError, RuntimeError, NotImplementedError, zlib.error):
        return "a broken archive"
    return "an archive"


def _holds_pickle(archive: zipfile.ZipFile, names: list[str]) -> bool:
    for name in names[:10_000]:
        with archive.open(name) as member:
            if _is_pickle(member.read(256)):
                return True
    return False


def _sniff_compressed(opened: Callable[[BinaryIO], BinaryIO], source: BinaryIO) -> str:
    source.seek(0)
    try:
        return "a compressed pickle" if _is_pickle(opened(source).read(HEAD)) else "a compressed file"
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
        return "a broken compressed file"


def _inflated(head: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(head, HEAD)
    except zlib.error:
        return b""


def _begins_safetensors(head: bytes) -> bool:
    return head[5:9] == b"\0\0\0{"


def _sniff_text(source: BinaryIO, size: int, head: bytes, path: str) -> str | None:
    """``json`` or ``text``; None when there are bytes that no text has."""
    if _CONTROL.search(head):
        return None
    if head.lstrip()[:1] in (b"{", b"[") and size <= JSON_LIMIT:
        source.seek(0)
        try:
            json.load(source)
            return "json"
        except (ValueError, RecursionError):
            pass
    source.seek(0)
    kept = b""
    while chunk := source.read(1 << 20):
        if _CONTROL.search(chunk):
            return None
        try:
            (kept + chunk).decode("utf-8")
            kept = b""
        except UnicodeDecodeError as fault:
            kept = (kept + chunk)[fault.start :]
            if len(kept) > 3:
                return None
    if kept:
        return None
    if Path(path).name == "MLmodel" or re.search(rb"^\s*loader_module\s*:", head, re.MULTILINE):
        raise JobFailure("E_MODEL_FORMAT", f"{quoted(path)} names code that loads the model; save the model as data: {KNOWN}")
    return "text"
