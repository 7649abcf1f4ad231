from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from slipway_launcher.checkpoints import _listed_links
from slipway_launcher.job import run_job

from .job_fixture import METRICS, MODEL, JobTest

STUBBORN = (
    "import os, signal, subprocess, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "child = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)'\n"
    "for _ in range(3): subprocess.Popen([sys.executable, '-c', child], start_new_session=True)\n"
)


class Limits(JobTest):
    def marked(self, marker: str) -> list[str]:
        found = []
        for place in Path("/proc").glob("[0-9]*/environ"):
            try:
                # A process that has ended shows no environment any more.
                if f"SLIPWAY_MARKER={marker}".encode() in place.read_bytes().split(b"\0"):
                    found.append(place.parent.name)
            except OSError:
                continue
        return found

    def test_a_job_that_runs_for_ever_is_ended_with_all_that_it_started(self) -> None:
        state = self.run_job(self.spec(STUBBORN + "while True: pass\n", maxSeconds=1), SLIPWAY_MARKER="limits-1")
        self.assert_failed(state, "E_TRAINER_LIMIT", "maxDuration", "1 s")
        self.assertEqual(self.marked("limits-1"), [])

    def test_a_job_that_stops_moving_is_ended_and_the_limit_is_named(self) -> None:
        script = STUBBORN + "os.kill(os.getpid(), signal.SIGSTOP)\n"
        state = self.run_job(self.spec(script, limits={"noProgressSeconds": 2}), SLIPWAY_MARKER="limits-2")
        self.assert_failed(state, "E_TRAINER_LIMIT", "noProgressTimeout", "2 s")
        self.assertTrue(state["failure"]["transient"])
        self.assertEqual(self.marked("limits-2"), [])

    def test_a_silent_job_that_computes_is_not_taken_for_a_hanging_one(self) -> None:
        script = METRICS + MODEL + "import time\nend = time.monotonic() + 5\nwhile time.monotonic() < end: pass\n"
        self.assertEqual(self.run_job(self.spec(script, limits={"noProgressSeconds": 2.5}))["phase"], "succeeded")

    def test_memory_files_and_sizes_are_limited(self) -> None:
        for limits, script, said in (
            ({"addressSpaceMb": 512}, "bytearray(1 << 30)", "MemoryError"),
            ({"openFiles": 32}, "keep = [open('/dev/null') for _ in range(64)]", "Too many open files"),
            ({"fileSizeMb": 1}, "open('big', 'wb').write(b'x' * (2 << 20))", "File too large"),
        ):
            with self.subTest(said):
                self.assert_failed(self.run_job(self.spec(script, limits=limits)), "E_TRAINER_EXIT", said)

    def test_a_job_of_too_many_processes_is_ended(self) -> None:
        script = "import subprocess, sys, time\nkeep = [subprocess.Popen(['sleep', '300']) for _ in range(60)]\ntime.sleep(300)\n"
        state = self.run_job(self.spec(script, limits={"processes": 40}), SLIPWAY_MARKER="limits-3")
        self.assert_failed(state, "E_TRAINER_LIMIT", "processes", "at most 40")
        self.assertEqual(self.marked("limits-3"), [])

    def test_a_full_disk_is_told_before_it_is_full_and_leaves_nothing(self) -> None:
        free = os.statvfs(self.directory).f_bavail * os.statvfs(self.directory).f_frsize >> 20
        state = self.run_job(self.spec("pass", limits={"freeDiskMb": free + 100_000}))
        self.assert_failed(state, "E_DISK_FULL", "MiB left")
        self.assertFalse((self.directory / "code").exists())

    def test_wrong_limits_are_refused(self) -> None:
        for limits in ({"openFiles": 0}, {"opnFiles": 1}, {"processes": "many"}, {"fileSizeMb": True}, []):
            with self.subTest(limits):
                self.assert_failed(self.run_job(self.spec("pass", limits=limits)), "E_TRAINER_SPEC", "/limits")


class Progress(JobTest):
    def test_the_latest_numbers_are_told_and_what_is_no_number_is_passed_over(self) -> None:
        script = (
            "import json, os, time\nfile = os.environ['SM_OUTPUT_INTERMEDIATE_DIR'] + '/progress.json'\n"
            "open(file, 'w').write('{\"epoch\": 2, \"loss\": NaN, \"note\": \"x\", \"done\": true, \"progress\": -0.05, \"step\": -1}')\ntime.sleep(300)\n"
        )
        launcher = self.start(self.spec(script))
        self.wait_for(lambda: (self.directory / "state.json").exists() and self.state().get("progress") == {"epoch": 2})
        launcher.send_signal(signal.SIGTERM)
        self.assertEqual(launcher.wait(60), 1)

    def test_half_a_file_keeps_the_numbers_before(self) -> None:
        script = METRICS + MODEL + (
            "import time\nfile = os.environ['SM_OUTPUT_INTERMEDIATE_DIR'] + '/progress.json'\n"
            "open(file, 'w').write('{\"epoch\": 2}')\ntime.sleep(2.5)\nopen(file, 'w').write('{\"epoch\": 3')\ntime.sleep(2.5)\n"
        )
        self.assertEqual(self.run_job(self.spec(script))["progress"], {"epoch": 2})


class Checkpoints(JobTest):
    WRITE = (
        "import os\nfile = os.environ['SM_CHECKPOINT_DIR'] + '/epoch.txt'\n"
        "n = int(open(file).read()) if os.path.exists(file) else 0\nprint('began at', n)\n"
        "open(file + '.part', 'w').write(str(n + 1))\nos.rename(file + '.part', file)\nopen(file + '.tmp', 'w').write('half')\nraise SystemExit(75)\n"
    )

    def attempt(self) -> str:
        (self.directory / "state.json").unlink(missing_ok=True)
        self.run_job(self.spec(self.WRITE, checkpoints=(self.base / "checkpoints").as_uri() + "/"))
        return self.log()

    def listed(self) -> dict[str, object]:
        return json.loads((self.base / "checkpoints/latest.json").read_text())

    def test_each_attempt_goes_on_where_the_one_before_stored_last(self) -> None:
        for count in range(3):
            self.assertEqual(self.attempt(), f"began at {count}\n")
        self.assertEqual([file["path"] for file in self.listed()["files"]], ["epoch.txt"])  # type: ignore[index,attr-defined]
        self.assertEqual(len(list((self.base / "checkpoints/files").iterdir())), 1)

    def test_a_checkpoint_says_how_far_the_command_was_and_from_where_it_went_on(self) -> None:
        tells = "import json\njson.dump({'epoch': n + 1}, open(os.environ['SM_OUTPUT_INTERMEDIATE_DIR'] + '/progress.json', 'w'))\nraise"
        self.WRITE = self.WRITE.replace("raise", tells)
        self.attempt()
        self.assertEqual(self.listed()["progress"], {"epoch": 1})
        self.assertNotIn("restored", self.listed())
        self.attempt()
        self.assertEqual(self.listed()["progress"], {"epoch": 2})
        self.assertEqual(self.listed()["restored"], {"progress": {"epoch": 1}})

    def test_a_stop_while_they_are_fetched_is_no_fault_of_theirs(self) -> None:
        class Stopped:
            def chunks(self, uri: str) -> Iterator[bytes]:
                signal.raise_signal(signal.SIGTERM)
                yield b""

        for number in (signal.SIGTERM, signal.SIGINT):
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        spec = self.spec(self.WRITE, checkpoints=(self.base / "checkpoints").as_uri() + "/")
        with mock.patch("slipway_launcher.checkpoints.open_store", return_value=Stopped()):
            self.assertFalse(run_job(spec, self.directory))
        self.assert_failed(self.state(), "E_TRAINER_CANCELLED")
        self.assertFalse((self.directory / "log.txt").exists())

    def test_what_is_told_long_after_a_checkpoint_is_not_in_it(self) -> None:
        script = self.WRITE.replace("raise SystemExit(75)", (
            "import json\nout = os.environ['SM_OUTPUT_INTERMEDIATE_DIR'] + '/progress.json'\n"
            "json.dump({'epoch': 1}, open(out, 'w'))\nos.utime(out, (1, 1))\nos.utime(file, (2, 2))\n"
            f"import time\nwhile not os.path.exists({str(self.base / 'go')!r}): time.sleep(0.05)\n"
            "json.dump({'epoch': 2}, open(out, 'w'))\nraise SystemExit(75)"
        ))
        launcher = self.start(self.spec(script, checkpoints=(self.base / "checkpoints").as_uri() + "/"))
        self.wait_for(lambda: (self.directory / "state.json").exists() and self.state().get("progress") == {"epoch": 1})
        (self.base / "go").touch()
        launcher.wait(60)
        self.assertEqual(self.listed()["progress"], {"epoch": 1})

    def test_a_checkpoint_that_was_changed_is_not_used(self) -> None:
        self.attempt()
        next((self.base / "checkpoints/files").iterdir()).write_text("7")
        self.assertEqual(self.attempt(), "began at 0\n")

    def test_a_link_to_the_latest_one_is_stored_and_found_again_as_a_link(self) -> None:
        self.WRITE = (
            "import os\nos.chdir(os.environ['SM_CHECKPOINT_DIR'])\n"
            "n = int(open('latest/n').read()) if os.path.islink('latest') else 0\nprint('began at', n)\n"
            "os.mkdir(f'step-{n + 1}'); open(f'step-{n + 1}/n', 'w').write(str(n + 1))\n"
            "os.symlink(f'step-{n + 1}', 'next'); os.replace('next', 'latest')\nraise SystemExit(75)\n"
        )
        for count in range(3):
            self.assertEqual(self.attempt(), f"began at {count}\n")
        self.assertEqual(self.listed()["links"], {"latest": "step-3"})

    def test_links_that_lead_elsewhere_are_not_used(self) -> None:
        for links in ({"x": "/etc"}, {"x": ".."}, {"a/x": "../../y"}, {"../x": "y"}, {"a": ".", "a/x": "../y"}, "x", {"x": 1}):
            with self.subTest(links=links), self.assertRaises((ValueError, TypeError)):
                _listed_links(json.dumps({"links": links}).encode())
        self.assertEqual(_listed_links(b'{"links": {"a/latest": "../step-3"}}'), {"a/latest": "../step-3"})

    def test_a_link_where_a_file_stands_makes_the_job_begin_anew(self) -> None:
        self.attempt()
        (self.base / "checkpoints/latest.json").write_text(json.dumps({**self.listed(), "links": {"epoch.txt": "x"}}))
        self.assertEqual(self.attempt(), "began at 0\n")

    def test_a_list_that_names_files_elsewhere_is_not_used(self) -> None:
        self.attempt()
        document = self.listed()
        document["files"][0]["path"] = "../code/job.py"  # type: ignore[index]
        (self.base / "checkpoints/latest.json").write_text(json.dumps(document))
        self.assertEqual(self.attempt(), "began at 0\n")

    def test_a_killed_job_leaves_what_it_had_stored(self) -> None:
        script = self.WRITE.replace("raise SystemExit(75)", "import time; time.sleep(300)")
        launcher = self.start(self.spec(script, checkpoints=(self.base / "checkpoints").as_uri() + "/"), SLIPWAY_MARKER="checkpoints-1")
        self.wait_for((self.base / "checkpoints/latest.json").exists)
        launcher.kill()
        launcher.wait(60)
        for place in Path("/proc").glob("[0-9]*/environ"):
            try:
                if b"SLIPWAY_MARKER=checkpoints-1" in place.read_bytes().split(b"\0"):
                    os.kill(int(place.parent.name), signal.SIGKILL)
            except OSError:
                continue
        self.assertEqual(self.attempt(), "began at 1\n")


class LiveLog(JobTest):
    def test_the_log_is_in_the_store_while_the_job_runs_and_whole_at_its_end(self) -> None:
        script = METRICS + MODEL + (
            "import sys, time\nprint('epoch 1', flush=True)\n"
            f"while not os.path.exists({str(self.base / 'go')!r}): time.sleep(0.05)\n"
            "for n in range(60_000): print('line', n)\n"
        )
        launcher = self.start(self.spec(script))
        first = self.base / "outputs/log/000000000000.txt"
        self.wait_for(lambda: first.exists() and first.read_text() == "epoch 1\n")
        self.assertFalse((self.base / "outputs/manifest.json").exists())
        (self.base / "go").touch()
        self.assertEqual(launcher.wait(60), 0)
        segments = sorted((self.base / "outputs/log").iterdir())
        self.assertGreater(len(segments), 1)
        at = 0
        for segment in segments:
            self.assertEqual(segment.name, f"{at:012d}.txt")
            at += segment.stat().st_size
        self.assertEqual(b"".join(s.read_bytes() for s in segments), (self.directory / "log.txt").read_bytes())
