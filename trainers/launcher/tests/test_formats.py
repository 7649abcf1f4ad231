from __future__ import annotations

import bz2
import gzip
import io
import json
import pickle
import tarfile
import tempfile
import unittest
import zipfile
import zlib
from pathlib import Path
from typing import Any

from slipway_launcher.failures import JobFailure
from slipway_launcher.formats import model_formats

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
SCHEMA = json.dumps({"__class__": "LogisticRegression", "__module__": "sklearn", "__loader__": "ObjectNode", "protocol": 2}).encode()
SKOPS = archive(schema__json=SCHEMA)
NUMPY = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n" + b"\0" * 8


# As skops keeps an array: the files of NumPy begin with the byte of a pickle's STACK_GLOBAL.
SKOPS_WITH_ARRAY = archive(
    schema__json=json.dumps({"__class__": "Pipeline", "__module__": "sklearn", "__loader__": "ObjectNode", "protocol": 2}).encode(),
    weights__npy=b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }".ljust(128) + b"\x93" * 160,
)


class ModelFormats(unittest.TestCase):
    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.base = Path(holder.name)

    def format_of(self, name: str, content: bytes, trust: list[str] | None = None) -> str:
        place = self.base / "model"
        place.write_bytes(content)
        return model_formats([(f"model/{name}", place)], trust or [])[f"model/{name}"]

    def assert_refused(self, name: str, content: bytes, *texts: str, code: str = "E_MODEL_FORMAT", trust: list[str] | None = None) -> None:
        with self.assertRaises(JobFailure) as caught:
            self.format_of(name, content, trust)
        self.assertEqual(caught.exception.code, code)
        for text in (name, *texts):
            self.assertIn(text, caught.exception.message)

    def test_data_only_formats_are_taken_by_their_content_whatever_their_name(self) -> None:
        good = {
            "onnx": [onnx(), onnx(tensor=field(8, b"w"))],
            "safetensors": [safetensors({"w": F32, "__metadata__": {"a": "b"}}, b"\0" * 8)],
            "skops": [SKOPS, SKOPS_WITH_ARRAY],
            "json": [b'{"weights": [1, 2]}', b"[]"],
            "text": [b"tree\nversion=v4\nweights 1 2\n", b"cat\ndog\n", "ä".encode() * 700_000],
        }
        for expected, contents in good.items():
            for content in contents:
                with self.subTest(expected, content=content[:20]):
                    self.assertEqual(self.format_of("model.bin", content), expected)

    def test_what_runs_code_when_it_is_loaded_is_refused_by_its_content(self) -> None:
        ran = self.base / "ran"
        bad = {
            "pickle": [pickle.dumps(Marker(ran), protocol) for protocol in range(6)],
            "archive with pickles": [archive(data__pkl=pickle.dumps(Marker(ran))), archive(schema__json=b"{}", weights=pickle.dumps(Marker(ran), 2))],
            "compressed pickle": [gzip.compress(pickle.dumps(Marker(ran)))],
            "a pickle": [zlib.compress(pickle.dumps(Marker(ran))), pickle.dumps(list(range(100_000)), 0)],
            "is a pickle": [
                # Code runs before what is wrong with these is found.
                b"cos\nsystem\n(S'true'\ntR" + b"!" * 10,
                b"N(S'left over'\ncos\nsystem\n(S'true'\ntR.",
                b"(S'true'\nios\nsystem\n.",
                b"N0" * 100_000 + b"cos\nsystem\n(S'true'\ntR.",
                b"V" + b"x" * 200_000 + b"\ncos\nsystem\n(S'true'\ntR.",
                # Safetensors to one reader, a pickle to another.
                (86).to_bytes(8, "little") + json.dumps({"w": {"dtype": "U8", "shape": [25], "data_offsets": [0, 25]}})[:-1].ljust(84).encode() + b"\n}" + b"0cos\nsystem\n(S'true'\ntR..",
            ],
            "an archive": [archive(a__txt=b"1")],
            "loads the model": [b"flavors:\n  python_function:\n    loader_module: os\n"],
            "unknown": [bytes(range(256)), b"\x7fELF\x02\x01\x01" + b"\0" * 32, b"\x08"],
        }
        for text, contents in bad.items():
            for name in ("model.skops", "model.onnx", "model.json"):
                for content in contents:
                    with self.subTest(text, name=name, content=content[:20]):
                        self.assert_refused(name, content, text)
        self.assertFalse(ran.exists())

    def test_a_pickle_is_taken_when_the_stage_trusts_it_and_an_archive_still_is_not(self) -> None:
        self.assertEqual(self.format_of("model.pkl", pickle.dumps({"a": 1}), ["pickle"]), "pickle")
        self.assert_refused("model.zip", archive(a__txt=b"1"), "an archive", trust=["pickle"])

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
                self.assert_refused("model.safetensors", content, text)

    def test_onnx_that_needs_code_or_reads_other_files_is_refused(self) -> None:
        for location in ("../../etc/passwd", "/etc/passwd", "absent.bin"):
            with self.subTest(location):
                self.assert_refused("model.onnx", onnx(tensor=external(location)), location)
        self.assert_refused("model.onnx", onnx(node=field(7, b"my.ops")), "my.ops")
        self.assert_refused("model.onnx", onnx()[:-3])

    def test_a_tensor_of_no_values_hides_no_bytes(self) -> None:
        empty = {"dtype": "F32", "shape": [0, 1 << 62], "data_offsets": [0, 8]}
        self.assert_refused("model.safetensors", safetensors({"hidden": empty}, b"\0" * 8), "hidden", "do not hold")
        self.assert_refused("model.safetensors", safetensors({"a": F32, "beyond": {**F32, "data_offsets": [8, 16]}}, b"\0" * 8), "end at 16")

    def test_archives_of_files_are_never_a_model_whatever_is_in_them(self) -> None:
        def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", **pax: str) -> tarfile.TarInfo:
            made = tarfile.TarInfo(name)
            made.type, made.linkname, made.pax_headers = kind, link, pax
            return made

        archives = {
            "a file above": [entry("../../x")],
            "an absolute one": [entry("/etc/passwd")],
            "a link that is written through": [entry("a", tarfile.SYMTYPE, "/etc"), entry("a/x")],
            "a hard link out": [entry("a", tarfile.LNKTYPE, "../../x")],
            "a device": [entry("a", tarfile.CHRTYPE)],
            "a pax name with NUL": [entry("a", path="a\0b")],
            "10 TB of holes": [entry("a", **{"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(10 << 40)})],
            "one name twice": [entry("a"), entry("a")],
            "a harmless file": [entry("a.txt")],
        }
        for name, members in archives.items():
            content = io.BytesIO()
            with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as tar:
                for member in members:
                    tar.addfile(member)
            for packed in (content.getvalue(), gzip.compress(content.getvalue()), bz2.compress(content.getvalue())):
                with self.subTest(name):
                    self.assert_refused("model.tar", packed, trust=["pickle"])
        for name in ("../../x", "/etc/passwd", "a"):
            zipped = io.BytesIO()
            with zipfile.ZipFile(zipped, "w") as made:
                made.writestr(name, b"1")
            with self.subTest(name):
                self.assert_refused("model.onnx", zipped.getvalue(), "an archive", trust=["pickle"])

    def test_what_joblib_and_torch_write_are_pickles_under_any_name(self) -> None:
        joblib = pickle.dumps({"weights": None}, 4) + b"\x93NUMPY" + bytes(range(256)) * 8
        torch = archive(**{"archive/data__pkl": pickle.dumps({"w": 1}, 2), "archive/version": b"3"})
        for content in (joblib, torch, gzip.compress(joblib), zlib.compress(joblib)):
            for name in ("model.skops", "model.onnx", "model.safetensors", "model.json"):
                with self.subTest(name, content=content[:8]):
                    self.assert_refused(name, content, "pickle")

    def test_an_empty_model_is_refused(self) -> None:
        self.assert_refused("model.json", b"", code="E_ARTIFACT_SIZE")


class Jobs(JobTest):
    def test_a_job_that_leaves_a_pickle_fails_and_stores_nothing(self) -> None:
        script = METRICS + "import pickle; pickle.dump({'a': 1}, open(os.environ['SM_MODEL_DIR'] + '/model.skops', 'wb'))\n"
        self.assert_failed(self.run_job(self.spec(script)), "E_MODEL_FORMAT", "a pickle", "trustPickle")
        self.assertFalse((self.base / "outputs/manifest.json").exists())
        self.assertFalse((self.base / "outputs/model").exists())
