from __future__ import annotations

import os
import signal
import unittest
from pathlib import Path

from slipway_launcher.short_path import LONGEST, remove_links, short_path

from .job_fixture import METRICS, MODEL, JobTest

MULTIPROCESSING = (
    "import multiprocessing, os\n"
    "if __name__ == '__main__':\n"
    "    with multiprocessing.Manager() as manager:\n"
    "        numbers = manager.dict(); numbers['a'] = 1\n"
    "        print(dict(numbers), len(os.fsencode(os.environ['TMPDIR'])))\n"
    "    open(os.environ['TMPDIR'] + '/left', 'w').write('x')\n"
)


def links() -> set[Path]:
    return {place for place in Path("/tmp").glob("slipway-*") if place.is_symlink()}


class ShortPath(JobTest):
    def setUp(self) -> None:
        super().setUp()
        self.before = links()
        # As .slipway/jobs/<32 digits> of a project at a path of 60 characters.
        self.directory = self.base / ("p" * 60) / ".slipway/jobs" / ("0" * 32)
        self.directory.mkdir(parents=True, mode=0o700)

    def made(self) -> set[Path]:
        """Links to this job's folder: others of this machine may come and go."""
        return {link for link in links() - self.before if os.readlink(link) == str(self.directory / "tmp")}

    def test_a_job_far_down_can_use_sockets_and_leaves_no_link(self) -> None:
        self.assertEqual(self.run_job(self.spec(MULTIPROCESSING + "    " + (METRICS + MODEL).strip().replace("\n", "\n    ")))["phase"], "succeeded")
        said, _, length = self.log().strip().rpartition(" ")
        self.assertEqual(said, "{'a': 1}")
        self.assertLessEqual(int(length), LONGEST)
        self.assertEqual(self.made(), set())

    def test_what_is_written_there_is_in_the_jobs_own_folder(self) -> None:
        process = self.start(self.spec("import os, time\nopen(os.environ['TMPDIR'] + '/x', 'w')\ntime.sleep(300)\n"))
        self.wait_for((self.directory / "tmp/x").exists)
        self.assertEqual(len(self.made()), 1)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        self.assertEqual(self.made(), set())

    def test_the_link_of_a_launcher_that_was_killed_is_removed_by_the_next(self) -> None:
        process = self.start(self.spec("import os, time\nopen(os.environ['TMPDIR'] + '/x', 'w')\ntime.sleep(300)\n"))
        self.wait_for((self.directory / "tmp/x").exists)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
        self.assertEqual(len(self.made()), 1)
        remove_links(self.base / "another/tmp")
        self.assertEqual(self.made(), set())

    def test_links_of_others_and_of_launchers_that_live_stay(self) -> None:
        folder = self.directory / "tmp"
        link = short_path(folder)
        self.addCleanup(remove_links, folder)
        self.assertNotEqual(link, folder)
        other = link.with_name("slipway-1-4194304-00000000")
        other.symlink_to(folder)
        self.addCleanup(other.unlink)
        remove_links(self.base / "another/tmp")
        self.assertTrue(link.is_symlink() and other.is_symlink())

    def test_a_short_path_stays_what_it_is(self) -> None:
        self.assertEqual(short_path(Path("/srv/jobs/0123/tmp")), Path("/srv/jobs/0123/tmp"))


if __name__ == "__main__":
    unittest.main()
