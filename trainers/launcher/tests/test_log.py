from __future__ import annotations

import os
import tempfile
import threading
import unittest
from pathlib import Path

from slipway_launcher.command import copy_log


class Log(unittest.TestCase):
    def test_a_log_is_cut_with_a_line_that_says_so_and_the_writer_never_waits(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log.txt"
            read, write = os.pipe()
            with os.fdopen(read, "rb", buffering=0) as source:
                copier = threading.Thread(target=copy_log, args=(source, log, 1 << 20))
                copier.start()
                with os.fdopen(write, "wb") as sink:
                    for _ in range(48):
                        sink.write(b"x" * (1 << 16))
                copier.join(120)
            content = log.read_bytes()
        self.assertTrue(content.startswith(b"x" * (1 << 20) + b"\nlog cut at 1 MiB"))
        self.assertEqual(content.count(b"log cut"), 1)
