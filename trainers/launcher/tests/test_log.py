from __future__ import annotations

import os
import tempfile
import threading
import unittest
from pathlib import Path

from slipway_launcher.log import copy_log, last_lines
from slipway_launcher.masking import Mask


def copied(chunks: list[bytes], limit: int, tail: int, secrets: dict[str, str] | None = None) -> bytes:
    """What the log keeps of the chunks."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.txt"
        read, write = os.pipe()
        with os.fdopen(read, "rb", buffering=0) as source:
            copier = threading.Thread(target=copy_log, args=(source, log, Mask(secrets or {}), limit, tail))
            copier.start()
            with os.fdopen(write, "wb", buffering=0) as sink:
                for chunk in chunks:
                    sink.write(chunk)
            copier.join(120)
        return log.read_bytes()


class Log(unittest.TestCase):
    def test_a_long_log_keeps_its_beginning_and_its_end_and_says_what_is_left_out(self) -> None:
        content = copied([b"x" * (1 << 16)] * 48 + [b"the end"], 1 << 20, 1 << 10)
        left_out = (2 << 20) + 7 - (1 << 10)
        self.assertTrue(content.startswith(b"x" * (1 << 20) + b"\nlog cut: %d bytes left out here\n" % left_out))
        self.assertTrue(content.endswith(b"xthe end"))
        self.assertLess(len(content), (1 << 20) + (1 << 10) + 100)

    def test_a_short_log_is_kept_as_it_is_garbage_and_all(self) -> None:
        content = bytes(range(256)) * 64
        self.assertEqual(copied([content], 1 << 20, 1 << 10), content)

    def test_the_last_lines_are_told_to_their_end_garbage_before_them_or_not(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log.txt"
            for before in (b"\xff\xfe\x1b" * 10_000, (b"\xff" * 100 + b"\n") * 100, b"\n"):
                log.write_bytes(before + b"the last words\n")
                said = last_lines(log)
                self.assertTrue(said.endswith("the last words"))
                self.assertLessEqual(len(said.encode()), 1200)


class Secrets(unittest.TestCase):
    def test_a_secret_is_replaced_however_it_is_cut(self) -> None:
        secret = "s3cret-s3cret-value"
        text = f"a {secret} b s3cret-s3cretx {secret}".encode()
        for size in (1, 2, 3, 5, 7, 19, 20, 100):
            with self.subTest(size):
                chunks = [text[at : at + size] for at in range(0, len(text), size)]
                mask = Mask({"TOKEN": secret})
                shown = b"".join([*(mask.feed(chunk) for chunk in chunks), mask.rest()])
                self.assertEqual(shown, b"a [secret TOKEN] b s3cret-s3cretx [secret TOKEN]")

    def test_what_cannot_begin_a_secret_is_shown_at_once(self) -> None:
        self.assertEqual(Mask({"TOKEN": "s3cret"}).feed(b"epoch 1\n"), b"epoch 1\n")

    def test_each_line_of_a_key_is_one(self) -> None:
        mask = Mask({"KEY": "-----BEGIN KEY-----\nabcdefghijkl\n-----END KEY-----\n"})
        self.assertNotIn(b"abcdefgh", mask.feed(b"key: abcdefghijkl\n") + mask.rest())
