from __future__ import annotations

import gzip
import io
import json
import pickle
import zipfile
import zlib
from pathlib import Path
from typing import Any

from .job_fixture import METRICS, JobTest


class Marker:
    """Unpickling it writes a file; it must never be unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self.file), "w"))


def archive(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        for name, body in members.items():
            made.writestr(name.replace("__", "."), body)
    return content.getvalue()


def safetensors(tensors: dict[str, Any], data: bytes) -> bytes:
    header = json.dumps(tensors).encode()
    return len(header).to_bytes(8, "little") + header + data


def field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return bytes([number << 3, content])
    tag, head = number << 3 | 2, b""
    for value in (tag, len(content)):
        while value > 0x7F:
            head += bytes([value & 0x7F | 0x80])
            value >>= 7
        head += bytes([value])
    return head + content


def onnx(node: bytes = b"", tensor: bytes = b"") -> bytes:
    graph = field(1, field(4, b"Relu") + node) + field(2, b"graph") + (field(5, tensor) if tensor else b"")
    return field(1, 8) + field(7, graph) + field(8, field(2, 17))


def external(location: str) -> bytes:
    return field(8, b"w") + field(13, field(1, b"location") + field(2, location.encode())) + field(14, 1)


F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
SKOPS = archive(schema__json=json.dumps({"__class__": "LogisticRegression", "__module__": "sklearn", "__loader__": "ObjectNode", "protocol": 2}).encode())


class ModelFormats(JobTest):
    def save(self, name: str, content: bytes, **changes: Any) -> dict[str, Any]:
        """A job whose command copies ``content`` to ``name`` below SM_MODEL_DIR."""
        file = self.remote("model", content)
        script = METRICS + "import shutil; shutil.copy(os.environ['SM_CHANNEL_GIVEN'] + '/model', os.environ['SM_MODEL_DIR'] + '/' + " + repr(name) + ")\n"
        return self.run_job(self.spec(script, inputs={"given": {"files": [file]}}, **changes))

    def test_data_only_formats_are_taken_by_their_content_whatever_their_name(self) -> None:
        good = {
            "onnx": [onnx(), onnx(tensor=field(8, b"w"))],
            "safetensors": [safetensors({"w": F32, "__metadata__": {"a": "b"}}, b"\0" * 8)],
            "skops": [SKOPS],
            "json": [b'{"weights": [1, 2]}', b"[]"],
            "text": [b"tree\nversion=v4\nweights 1 2\n", "ä".encode()],
        }
        for expected, contents in good.items():
            for content in contents:
                with self.subTest(expected, content=content[:20]):
                    state = self.save("model.bin", content)
                    self.assertEqual(state["phase"], "succeeded", state)
                    self.assertEqual(state["manifest"]["formats"], {"model/model.bin": expected})
                    (self.directory / "state.json").unlink()

    def test_what_runs_code_when_it_is_loaded_is_refused_by_its_content(self) -> None:
        ran = self.base / "ran"
        bad = {
            "pickle": [pickle.dumps(Marker(ran), protocol) for protocol in range(6)],
            "archive with pickles": [archive(data__pkl=pickle.dumps(Marker(ran))), archive(schema__json=b"{}", weights=pickle.dumps(Marker(ran), 2))],
            "compressed pickle": [gzip.compress(pickle.dumps(Marker(ran)))],
            "a pickle": [zlib.compress(pickle.dumps(Marker(ran)))],
            "an archive": [archive(a__txt=b"1")],
            "loads the model": [b"flavors:\n  python_function:\n    loader_module: os\n"],
            "unknown": [bytes(range(256)), b"\x7fELF\x02\x01\x01" + b"\0" * 32, b"\x08"],
        }
        for text, contents in bad.items():
            for name in ("model.skops", "model.onnx", "model.json"):
                for content in contents:
                    with self.subTest(text, name=name, content=content[:20]):
                        self.assert_failed(self.save(name, content), "E_MODEL_FORMAT", name, text)
        self.assertFalse(ran.exists())
        self.assertFalse((self.base / "outputs").exists())

    def test_a_pickle_is_taken_when_the_stage_trusts_it_and_an_archive_still_is_not(self) -> None:
        state = self.save("model.pkl", pickle.dumps({"a": 1}), trust=["pickle"])
        self.assertEqual(state["manifest"]["formats"], {"model/model.pkl": "pickle"})
        (self.directory / "state.json").unlink()
        self.assert_failed(self.save("model.zip", archive(a__txt=b"1"), trust=["pickle"]), "E_MODEL_FORMAT", "an archive")

    def test_safetensors_must_describe_each_byte_once(self) -> None:
        huge = 4194305
        bad = {
            "overlap": safetensors({"a": F32, "b": {**F32, "data_offsets": [4, 12]}}, b"\0" * 12),
            "end at 8": safetensors({"a": F32}, b"\0" * 9),
            "shape": safetensors({"a": {**F32, "shape": [huge, huge, 211106198978564]}}, b"\0" * 8),
            "unknown dtype": safetensors({"a": {**F32, "dtype": "X"}}, b"\0" * 8),
            "whole numbers": safetensors({"a": {**F32, "data_offsets": [-8, 0]}}, b""),
            "larger than": (101 << 20).to_bytes(8, "little") + b'{"a":1}',
        }
        for text, content in bad.items():
            with self.subTest(text):
                self.assert_failed(self.save("model.safetensors", content), "E_MODEL_FORMAT", text)

    def test_onnx_that_needs_code_or_reads_other_files_is_refused(self) -> None:
        for location in ("../../etc/passwd", "/etc/passwd", "absent.bin"):
            with self.subTest(location):
                self.assert_failed(self.save("model.onnx", onnx(tensor=external(location))), "E_MODEL_FORMAT", location)
        self.assert_failed(self.save("model.onnx", onnx(node=field(7, b"my.ops"))), "E_MODEL_FORMAT", "my.ops")
        self.assert_failed(self.save("model.onnx", onnx()[:-3]), "E_MODEL_FORMAT")

    def test_an_empty_model_is_refused(self) -> None:
        self.assert_failed(self.save("model.json", b""), "E_ARTIFACT_SIZE", "model.json")
