"""Turns the tensors of a request into what the model takes; a fault names the tensor and what was expected."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, RequestInput

ROWS = 1_000
TEXT_LENGTH = 10_000
_Rows = TypeVar("_Rows", list[str], np.ndarray)


def read_texts(request: InferenceRequest) -> list[str]:
    """The sentences of the tensor ``text`` (BYTES, shape [n] or [n, 1])."""
    tensor = _only(request, "text", "BYTES")
    texts = tensor.data.root
    if not isinstance(texts, list) or not all(isinstance(text, str) and len(text) <= TEXT_LENGTH for text in texts):
        raise InferenceError(f"input text: data must be a list of strings of at most {TEXT_LENGTH} characters")
    if tensor.shape not in ([len(texts)], [len(texts), 1]):
        raise InferenceError(f"input text: shape {tensor.shape[:8]} does not fit {len(texts)} strings; expected [{len(texts)}]")
    return _some(texts, "text")


def read_features(request: InferenceRequest, width: int) -> np.ndarray:
    """The numbers of the tensor ``features`` (FP64, shape [n, width]), flat or as rows."""
    tensor = _only(request, "features", "FP64")
    try:
        values = np.asarray(tensor.data.root)
    except ValueError as fault:
        raise InferenceError("input features: all rows must have the same length") from fault
    if values.dtype.kind not in "if":
        raise InferenceError("input features: data must be numbers")
    if len(tensor.shape) != 2 or tensor.shape[1] != width or values.size != tensor.shape[0] * width or values.ndim > 2:
        raise InferenceError(f"input features: expected shape [n, {width}] with as many numbers, found {tensor.shape[:8]} with {values.size}")
    matrix = values.astype(np.float64).reshape(-1, width)
    if not np.isfinite(matrix).all():
        raise InferenceError("input features: every number must be finite")
    return _some(matrix, "features")


def _only(request: InferenceRequest, name: str, datatype: str) -> RequestInput:
    found = [tensor.name for tensor in request.inputs]
    if found != [name]:
        raise InferenceError(f"expected one input named {name}, found {ascii(found)[:120]}")
    tensor = request.inputs[0]
    # MLServer's types keep an enumeration's value, whatever their annotation says.
    if tensor.datatype != datatype:
        raise InferenceError(f"input {name}: expected datatype {datatype}, found {tensor.datatype}")
    return tensor


def _some(rows: _Rows, name: str) -> _Rows:
    if not 1 <= len(rows) <= ROWS:
        raise InferenceError(f"input {name}: expected 1 to {ROWS} rows, found {len(rows)}")
    return rows
