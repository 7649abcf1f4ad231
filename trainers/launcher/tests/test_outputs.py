from __future__ import annotations

import tempfile
import unittest
from pathlib import Path
from typing import BinaryIO, cast

from slipway_launcher.failures import JobFailure
from slipway_launcher.outputs import _upload
from slipway_launcher.store import Store


class Meddler:
    """A store during whose upload somebody writes the file again."""

    def __init__(self, file: Path, content: bytes) -> None:
        self.file, self.content = file, content

    def expect(self, _size: int) -> None:
        """Nothing to prepare."""

    def put(self, _uri: str, source: BinaryIO) -> None:
        source.read()
        self.file.write_bytes(self.content)


class Outputs(unittest.TestCase):
    def test_a_file_that_changes_while_it_is_stored_is_no_output(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.txt"
            for content in (b"weightz", b"weights and more", b""):
                file.write_bytes(b"weights")
                with self.subTest(content), self.assertRaises(JobFailure) as caught:
                    _upload(cast(Store, Meddler(file, content)), "s3://bucket/outputs/", "model/model.txt", file)
                self.assertEqual(caught.exception.code, "E_ARTIFACT_DIGEST")
                self.assertIn("changed while", caught.exception.message)
