"""Checks a safetensors file: the header describes all of its bytes, each once."""

from __future__ import annotations

import json
from math import prod
from typing import BinaryIO, NoReturn

from .failures import JobFailure, quoted

HEADER_LIMIT = 100 << 20
TENSOR_LIMIT = 1_000_000
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
    "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "C64": 64,
}  # fmt: skip


def check_safetensors(source: BinaryIO, size: int, path: str) -> None:
    """E_MODEL_FORMAT, with the tensor's name, for a header that does not describe exactly the ``size`` bytes of ``source``."""
    source.seek(0)
    length = int.from_bytes(source.read(8), "little")
    if length > HEADER_LIMIT or length + 8 > size:
        _refuse(path, f"its header of {length} bytes is larger than {HEADER_LIMIT >> 20} MiB or than the file")
    try:
        header = json.loads(source.read(length), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        _refuse(path, "its header is not JSON, or names a tensor twice")
    if not isinstance(header, dict) or len(header) > TENSOR_LIMIT:
        _refuse(path, f"its header must be an object of at most {TENSOR_LIMIT} tensors")
    header.pop("__metadata__", None)
    spans = sorted((_span(path, name, tensor), name) for name, tensor in header.items())
    end = 0
    for (start, stop), name in spans:
        if start != end:
            _refuse(path, f"tensor {quoted(name)} begins at {start}, {end} was expected: bytes overlap or are described by nothing")
        end = stop
    if end != size - 8 - length:
        _refuse(path, f"its tensors end at {end}, its data at {size - 8 - length}")


def _span(path: str, name: str, tensor: object) -> tuple[int, int]:
    if not isinstance(tensor, dict) or set(tensor) != {"dtype", "shape", "data_offsets"}:
        _refuse(path, f"tensor {quoted(name)} needs dtype, shape and data_offsets")
    shape, offsets, bits = tensor["shape"], tensor["data_offsets"], _BITS.get(str(tensor["dtype"]))
    whole = _naturals(shape) and _naturals(offsets) and len(offsets) == 2
    if bits is None or not whole:
        _refuse(path, f"tensor {quoted(name)} has an unknown dtype, or a shape or offsets that are no whole numbers of at least 0")
    # Python's whole numbers do not overflow: a shape that would elsewhere is simply too large here.
    if prod(shape) * bits != (offsets[1] - offsets[0]) * 8:
        _refuse(path, f"tensor {quoted(name)} has a shape of {prod(shape)} values, which its {offsets[1] - offsets[0]} bytes do not hold")
    return offsets[0], offsets[1]


def _naturals(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, int) and not isinstance(value, bool) and value >= 0 for value in values)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise ValueError("twice")
    return names


def _refuse(path: str, message: str) -> NoReturn:
    raise JobFailure("E_MODEL_FORMAT", f"{quoted(path)} looks like safetensors, but {message}; write the model again")
