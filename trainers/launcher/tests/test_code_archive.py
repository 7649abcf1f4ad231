from __future__ import annotations

import io
import tarfile
import tempfile
import unittest
from pathlib import Path

from slipway_launcher.code_archive import unpack
from slipway_launcher.failures import JobFailure


class CodeArchive(unittest.TestCase):
    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.base = Path(holder.name)
        self.folder = self.base / "code"
        self.folder.mkdir()

    def unpack(self, *members: tuple[str, bytes, str]) -> None:
        archive = self.base / "code.tar"
        with tarfile.open(archive, "w") as tar:
            for name, kind, link in members:
                info = tarfile.TarInfo(name)
                info.type, info.linkname = kind, link
                info.size = 4 if kind == tarfile.REGTYPE else 0
                tar.addfile(info, io.BytesIO(b"text") if info.size else None)
        unpack(archive, self.folder)

    def refused(self, *members: tuple[str, bytes, str]) -> str:
        with self.assertRaises(JobFailure) as caught:
            self.unpack(*members)
        return caught.exception.code

    def test_files_and_folders_are_unpacked(self) -> None:
        self.unpack(("./", tarfile.DIRTYPE, ""), ("./a", tarfile.DIRTYPE, ""), ("./a/b.py", tarfile.REGTYPE, ""), ("c/d.py", tarfile.REGTYPE, ""))
        self.assertEqual(sorted(p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*.py")), ["a/b.py", "c/d.py"])

    def test_paths_that_leave_the_folder_are_refused(self) -> None:
        for name in ("../x", "/tmp/x", "a/../../x", "a\\..\\x"):
            with self.subTest(name):
                self.assertEqual(self.refused((name, tarfile.REGTYPE, "")), "E_PATH_ESCAPE")
        self.assertEqual(sorted(p.name for p in self.base.iterdir()), ["code", "code.tar"])

    def test_links_and_devices_are_refused(self) -> None:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            with self.subTest(kind):
                self.assertEqual(self.refused(("x", kind, "/etc/passwd")), "E_FILE_KIND")

    def test_a_member_named_twice_is_refused(self) -> None:
        self.assertEqual(self.refused(("x", tarfile.REGTYPE, ""), ("x", tarfile.REGTYPE, "")), "E_TRAINER_SPEC")

    def test_bytes_that_are_no_archive_are_refused(self) -> None:
        archive = self.base / "code.tar"
        archive.write_bytes(b"PK\x03\x04 not a tar")
        with self.assertRaises(JobFailure) as caught:
            unpack(archive, self.folder)
        self.assertEqual(caught.exception.code, "E_TRAINER_SPEC")
