from __future__ import annotations

import hashlib
import io
import json
import pickle
import tempfile
import unittest
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer
from slipway_serving.package import PackageRefused, read_package


class Marker:
    """Unpickling it writes a file; it must never be unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self.file), "w"))


class Package(unittest.TestCase):
    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)
        model = LogisticRegression().fit(np.array([[0.0], [1.0]]), ["a", "b"])
        self.raw = skops.io.dumps(model)
        self.write(self.raw)

    def write(self, raw: bytes, **description: Any) -> None:
        (self.folder / "model.skops").write_bytes(raw)
        sha256 = hashlib.sha256(raw).hexdigest()
        (self.folder / "serving.json").write_text(json.dumps({"service": "demo", "version": "3", "file": "model.skops", "sha256": sha256}))
        document = {"format": 1, "kind": "tabular-classifier", "input": "features", "labels": ["a", "b"], "fallbackBelow": 0.4, "skops": {"trusted": []}}
        (self.folder / "model.json").write_text(json.dumps({**document, **description}))

    def refused(self) -> PackageRefused:
        with self.assertRaises(PackageRefused) as caught:
            read_package(self.folder)
        return caught.exception

    def test_a_good_package_is_read(self) -> None:
        package = read_package(self.folder)
        self.assertEqual((package.service, package.version, package.fallback_below, package.raw), ("demo", "3", 0.4, self.raw))

    def test_another_file_than_skops_is_refused_by_its_name(self) -> None:
        (self.folder / "model.onnx").write_bytes(b"onnx")
        serving = {"service": "demo", "version": "3", "file": "model.onnx", "sha256": hashlib.sha256(b"onnx").hexdigest()}
        (self.folder / "serving.json").write_text(json.dumps(serving))
        self.assertIn("E_MODEL_FORMAT: model.onnx is not a skops archive", str(self.refused()))
        (self.folder / "serving.json").write_text(json.dumps({**serving, "file": "../model.onnx"}))
        self.assertIn("serving.json: file must match", str(self.refused()))

    def test_changed_bytes_are_refused_with_both_digests(self) -> None:
        changed = self.raw[:100] + bytes([self.raw[100] ^ 1]) + self.raw[101:]
        (self.folder / "model.skops").write_bytes(changed)
        refused = self.refused()
        self.assertEqual(refused.code, "E_ARTIFACT_DIGEST")
        for raw in (self.raw, changed):
            self.assertIn(hashlib.sha256(raw).hexdigest(), str(refused))

    def test_what_is_not_skops_by_content_is_refused_and_never_run(self) -> None:
        ran = self.folder / "ran"
        plain_zip = io.BytesIO()
        with zipfile.ZipFile(plain_zip, "w") as archive:
            archive.writestr("data.pkl", pickle.dumps(Marker(ran)))
        for raw in (pickle.dumps(Marker(ran)), b"", b"PK\x03\x04", plain_zip.getvalue()):
            with self.subTest(raw[:8]):
                self.write(raw)
                self.assertEqual(self.refused().code, "E_MODEL_FORMAT")
        self.assertFalse(ran.exists())

    def test_types_outside_the_list_are_refused_by_name_even_when_the_model_trusts_them(self) -> None:
        raw = skops.io.dumps(FunctionTransformer(np.load))
        self.write(raw)
        self.assertIn("FunctionTransformer", str(self.refused()))
        self.write(self.raw, skops={"trusted": ["os.system"]})
        self.assertIn("os.system", str(self.refused()))

    def test_trust_in_everything_is_refused(self) -> None:
        for trusted in (True, None, "all", [1]):
            with self.subTest(trusted):
                self.write(self.raw, skops={"trusted": trusted})
                self.assertIn("skops.trusted", str(self.refused()))

    def test_a_description_without_meaning_is_refused(self) -> None:
        for change in ({"format": 2}, {"kind": "regressor"}, {"input": "text"}, {"labels": ["a"]}, {"fallbackBelow": True}, {"fallbackBelow": 1}, {"fallbackBelow": "0.4"}):
            with self.subTest(change):
                self.write(self.raw, **change)
                self.assertIn("model.json", str(self.refused()))

    def test_a_link_in_place_of_the_model_is_refused(self) -> None:
        (self.folder / "elsewhere").write_bytes(self.raw)
        (self.folder / "model.skops").unlink()
        (self.folder / "model.skops").symlink_to(self.folder / "elsewhere")
        self.assertIn("regular file", str(self.refused()))
