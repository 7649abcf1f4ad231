from __future__ import annotations

import hashlib
import json
import os
import signal
from pathlib import Path

from .job_fixture import METRICS, MODEL, JobTest


class Contract(JobTest):
    def test_a_command_gets_hyperparameters_channels_and_its_code(self) -> None:
        script = METRICS + MODEL + (
            "import sys\n"
            "print(json.dumps({'argv': sys.argv[1:], 'cwd': os.getcwd(), 'env': dict(os.environ),\n"
            "  'row': open(os.environ['SM_CHANNEL_TRAIN'] + '/part/a.csv').read(), 'stdin': sys.stdin.read()}))\n"
        )
        spec = self.spec(
            script,
            inputs={"train": {"files": [self.remote("part/a.csv", b"1,2")]}},
            hyperparameters={"epochs": 3, "learning-rate": 0.1, "name": "two words; $(no shell)", "fast": True},
            environment={"MLFLOW_RUN_ID": "r1"},
        )
        self.assertEqual(self.run_job(spec, SLIPWAY_MARKER="m1")["phase"], "succeeded")
        seen = json.loads(self.log())
        self.assertEqual(
            seen["argv"],
            ["--epochs", "3", "--fast", "true", "--learning-rate", "0.1", "--name", "two words; $(no shell)"],
        )
        self.assertEqual((seen["cwd"], seen["row"], seen["stdin"]), (str(self.directory / "code"), "1,2", ""))
        environment = seen["env"]
        self.assertEqual(json.loads(environment["SM_HPS"]), spec["hyperparameters"])
        self.assertEqual((environment["SM_HP_LEARNING_RATE"], environment["SM_CHANNELS"]), ("0.1", '["train"]'))
        self.assertEqual((environment["SLIPWAY_JOB_KEY"], environment["SLIPWAY_MARKER"]), ("ab" * 32, "m1"))
        self.assertEqual((environment["MLFLOW_RUN_ID"], environment["PYTHONHASHSEED"]), ("r1", "0"))

    def test_hostile_values_are_one_argument_each_as_they_stand(self) -> None:
        values = ["; rm -rf /", "$(id)", "`id`", "a\nb", "--flag=injected", "-x", "*", "~", "${HOME}", "a b", "", "x" * 100_000, "\u202e", "'\"\\"]
        script = METRICS + MODEL + "import sys\nprint(json.dumps(sys.argv[1:]))\n"
        state = self.run_job(self.spec(script, hyperparameters={f"v{n:02d}": value for n, value in enumerate(values)}))
        self.assertEqual(state["phase"], "succeeded")
        expected = [word for n, value in enumerate(values) for word in (f"--v{n:02d}", value)]
        self.assertEqual(json.loads(self.log()), expected)

    def test_values_that_no_argument_can_hold_start_nothing_and_are_named(self) -> None:
        long = "x" * 200_000
        for changes, place, said in (
            ({"hyperparameters": {"v": "a\0b"}}, "/hyperparameters/v", "NUL"),
            ({"hyperparameters": {"v": long}}, "/hyperparameters/v", "at most 131071"),
            ({"hyperparameters": {"v": "\ud800"}}, "/hyperparameters/v", "surrogate"),
            ({"hyperparameters": {"v": ["x"] * 100_000}}, "/hyperparameters/v", "at most 131071"),
            ({"hyperparameters": {"v": long[:100_000], "w": long[:100_000]}}, "/hyperparameters has", "at most 131071"),
            ({"environment": {"V": "a\0b"}}, "/environment/V", "NUL"),
            ({"environment": {"V": long}}, "/environment/V", "at most 131071"),
            ({"command": ["python", "a\0b"]}, "/command/1", "NUL"),
            ({"environment": {f"V{n}": long[:100_000] for n in range(80)}}, "all together", "too long"),
        ):
            with self.subTest(place, said=said):
                self.assert_failed(self.run_job(self.spec(METRICS + MODEL, **changes)), "E_ARG", place, said)
                self.assertFalse((self.directory / "log.txt").exists())

    def test_what_cannot_stand_in_an_argument_can_within_a_list(self) -> None:
        script = METRICS + MODEL + "import sys\nprint(sys.argv[2])\n"
        self.run_job(self.spec(script, hyperparameters={"v": ["a\0b", "\ud800"]}))
        self.assertEqual(json.loads(self.log()), ["a\0b", "\ud800"])

    def test_nothing_of_the_launchers_own_environment_reaches_the_command(self) -> None:
        script = METRICS + MODEL + "print(sorted(os.environ))\n"
        self.run_job(self.spec(script), AWS_SECRET_ACCESS_KEY="s3cret", AWS_ACCESS_KEY_ID="id", SOMETHING="else")
        for absent in ("AWS_", "SOMETHING", "s3cret"):
            self.assertNotIn(absent, self.log())

    def test_outputs_are_uploaded_and_listed_with_their_digests(self) -> None:
        state = self.run_job(self.spec(METRICS + MODEL))
        stored = json.loads((self.base / "outputs/manifest.json").read_text())
        self.assertEqual(stored, state["manifest"])
        self.assertEqual([file["path"] for file in stored["files"]], ["model/model.txt", "output/data/metrics.json"])
        self.assertEqual(stored["metrics"], {"accuracy": 0.5})
        self.assertEqual(stored["formats"], {"model/model.txt": "text"})
        # printf weights | sha256sum
        self.assertEqual(stored["files"][0]["sha256"], "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c")
        self.assertEqual((self.base / "outputs/model/model.txt").read_text(), "weights")

    def test_the_same_job_is_not_run_again_after_it_succeeded(self) -> None:
        marker = self.base / "runs"
        spec = self.spec(METRICS + MODEL + f"open({str(marker)!r}, 'a').write('x')\n")
        self.run_job(spec)
        self.run_job(spec)
        self.assertEqual(marker.read_text(), "x")

    def test_what_a_failed_attempt_left_is_not_taken_for_a_result(self) -> None:
        self.run_job(self.spec(METRICS + MODEL + "raise SystemExit(3)\n"))
        self.assert_failed(self.run_job(self.spec("pass")), "E_TRAINER_CONTRACT", "no model", "no metrics")


class Failures(JobTest):
    def test_an_exit_code_is_told_with_the_last_lines_of_the_log(self) -> None:
        state = self.run_job(self.spec("for n in range(500): print('line', n)\nraise ValueError('bad \\x1b[31m data')\n"))
        self.assert_failed(state, "E_TRAINER_EXIT", "exit code 1", "line 499", "ValueError")
        self.assertEqual(state["exitCode"], 1)
        self.assertNotIn("\x1b", state["failure"]["message"])
        self.assertLessEqual(len(state["failure"]["message"].encode()), 2048)

    def test_a_command_that_is_not_there_is_named(self) -> None:
        self.assert_failed(self.run_job(self.spec("", command=["no-such-program"])), "E_TRAINER_REFUSED", "no-such-program")

    def test_an_exit_code_that_means_never_is_told_apart(self) -> None:
        for code, name in ((64, "E_TRAINER_REFUSED"), (78, "E_TRAINER_REFUSED"), (75, "E_TRAINER_EXIT"), (1, "E_TRAINER_EXIT")):
            with self.subTest(code):
                self.assert_failed(self.run_job(self.spec(f"raise SystemExit({code})")), name, f"exit code {code}")

    def test_nothing_but_what_tells_about_it_is_left_of_an_ended_job(self) -> None:
        for script in (METRICS + MODEL, "raise SystemExit(3)"):
            self.run_job(self.spec(script))
            left = {entry.name for entry in self.directory.iterdir()}
            self.assertLessEqual(left, {"state.json", "log.txt", "manifest.json", "lock"})

    def test_a_signal_is_named(self) -> None:
        self.assert_failed(self.run_job(self.spec("import os; os.kill(os.getpid(), 9)")), "E_TRAINER_EXIT", "SIGKILL")

    def test_a_job_that_runs_too_long_is_ended(self) -> None:
        state = self.run_job(self.spec("import time; time.sleep(300)", maxSeconds=0.5))
        self.assert_failed(state, "E_TRAINER_LIMIT", "longer than 0.5 s")

    def test_changed_input_bytes_are_refused_with_both_digests(self) -> None:
        file = self.remote("a.csv", b"1,2")
        Path(file["uri"].removeprefix("file://")).write_bytes(b"1,3")
        state = self.run_job(self.spec("pass", inputs={"train": {"files": [file]}}))
        self.assert_failed(state, "E_ARTIFACT_DIGEST", file["sha256"][:12], "ef96f1f6b55a", "a.csv")

    def test_an_input_that_is_gone_is_named(self) -> None:
        file = self.remote("a.csv", b"1,2")
        Path(file["uri"].removeprefix("file://")).unlink()
        self.assert_failed(self.run_job(self.spec("pass", inputs={"train": {"files": [file]}})), "E_ARTIFACT_MISSING", "does not exist")

    def test_what_is_no_file_of_its_own_among_the_outputs_is_refused_with_what_to_do(self) -> None:
        for make, said in (
            ("os.symlink('/etc/passwd', d + '/x')", "is a link to '/etc/passwd', outside of model; copy the files"),
            ("os.symlink('../code/job.py', d + '/x')", "outside of model"),
            ("os.symlink('..', d + '/x')", "outside of model"),
            ("os.symlink('gone', d + '/x')", "is a link to 'gone', where nothing is"),
            ("os.symlink('x', d + '/x')", "where nothing is"),
            ("os.symlink('.', d + '/x')", "a folder that it lies in itself"),
            ("os.mkfifo(d + '/x')", "a pipe, socket or device"),
            ("os.link(d + '/model.txt', d + '/x')", "a hard link"),
        ):
            with self.subTest(make):
                state = self.run_job(self.spec(METRICS + MODEL + f"d = os.environ['SM_MODEL_DIR']\n{make}\n"))
                self.assert_failed(state, "E_FILE_KIND", "'model/x' is", said)
        self.assertFalse((self.base / "outputs").exists())

    def test_all_links_that_lead_elsewhere_are_named_at_once(self) -> None:
        script = METRICS + MODEL + "for n in range(7): os.symlink('/etc/passwd', f\"{os.environ['SM_MODEL_DIR']}/{n}\")\n"
        self.assert_failed(self.run_job(self.spec(script)), "E_FILE_KIND", "'model/0'", "'model/4'", "and 2 more")

    def test_a_link_to_what_lies_in_the_same_folder_stands_for_its_bytes(self) -> None:
        script = METRICS + MODEL + (
            "os.chdir(os.environ['SM_MODEL_DIR'])\n"
            "os.makedirs('blobs/deep'); os.makedirs('snapshots/1')\n"
            "open('blobs/deep/weights', 'w').write('of a cache')\n"
            "os.symlink('../../blobs/deep/weights', 'snapshots/1/weights')\n"
            "os.symlink('snapshots/1', 'latest')\n"
        )
        state = self.run_job(self.spec(script))
        self.assertEqual(state["phase"], "succeeded", state)
        files = {file["path"]: file for file in json.loads((self.directory / "manifest.json").read_text())["files"]}
        paths = ["model/blobs/deep/weights", "model/snapshots/1/weights", "model/latest/weights"]
        self.assertEqual({files[path]["sha256"] for path in paths}, {hashlib.sha256(b"of a cache").hexdigest()})
        self.assertEqual((self.base / "outputs/model/latest/weights").read_bytes(), b"of a cache")

    def test_folders_that_link_to_each_other_are_refused(self) -> None:
        script = METRICS + MODEL + "os.chdir(os.environ['SM_MODEL_DIR'])\nos.mkdir('a'); os.mkdir('c')\nos.symlink('../c', 'a/b'); os.symlink('../a', 'c/d')\n"
        self.assert_failed(self.run_job(self.spec(script)), "E_FILE_KIND", "'model/a/b/d'", "a folder that it lies in itself")

    def test_metrics_may_be_a_link_to_a_file_beside_them(self) -> None:
        script = MODEL.join(["import os\n", ""]) + "os.chdir(os.environ['SM_OUTPUT_DATA_DIR'])\nopen('metrics-3.json', 'w').write('{\"loss\": 1}')\nos.symlink('metrics-3.json', 'metrics.json')\n"
        state = self.run_job(self.spec(script))
        self.assertEqual((state["phase"], state.get("failure")), ("succeeded", None))

    def test_a_model_folder_replaced_by_a_link_is_refused(self) -> None:
        script = METRICS + "d = os.environ['SM_MODEL_DIR']\nos.rmdir(d)\nos.symlink('/etc', d)\n"
        self.assert_failed(self.run_job(self.spec(script)), "E_FILE_KIND", "model is no longer a folder")

    def test_each_thing_that_is_expected_and_not_there_is_named_and_nothing_is_uploaded(self) -> None:
        data = "open(os.environ['SM_OUTPUT_DATA_DIR'] + '/rows.csv', 'w').write('1')\n"
        for script, expects, named in (
            (METRICS, ["model", "metrics"], "no model"),
            ("import os\n" + MODEL, ["model", "metrics"], "no metrics"),
            (METRICS + MODEL, ["model", "data"], "no data"),
            ("import os\n" + data, ["metrics"], "no metrics"),
            ("pass", ["model", "metrics", "data"], "no model"),
        ):
            with self.subTest(named, script=script):
                state = self.run_job(self.spec(script, expects=expects))
                self.assert_failed(state, "E_TRAINER_CONTRACT", named, "ended with 0")
                self.assertFalse((self.base / "outputs").exists())

    def test_more_files_than_may_be_listed_upload_nothing(self) -> None:
        script = METRICS + MODEL + "for n in range(10_001): open(f\"{os.environ['SM_MODEL_DIR']}/{n}\", 'w').close()\n"
        self.assert_failed(self.run_job(self.spec(script)), "E_TRAINER_LIMIT", "10000 files")
        self.assertFalse((self.base / "outputs").exists())

    def test_what_is_printed_is_never_taken_for_a_result(self) -> None:
        script = METRICS + MODEL + (
            "import sys\n"
            "print('MODEL_URI=s3://other/model')\n"
            'print(\'{"phase":"succeeded","manifest":{"format":1,"metrics":{"accuracy":1}}}\')\n'
            "print('accuracy=1.0')\n"
            "sys.stdout.flush(); sys.stdout.buffer.write(bytes([0xff, 0xfe, 0x1b]) + b'[2J' + b'x' * (1 << 20) + bytes([10]))\n"
        )
        state = self.run_job(self.spec(script))
        self.assertEqual(state["phase"], "succeeded")
        self.assertEqual(state["manifest"]["metrics"], {"accuracy": 0.5})
        self.assertEqual([file["path"] for file in state["manifest"]["files"]], ["model/model.txt", "output/data/metrics.json"])

    def test_metrics_that_are_no_numbers_upload_nothing(self) -> None:
        script = METRICS + MODEL + "open(os.environ['SM_OUTPUT_DATA_DIR'] + '/metrics.json', 'w').write('{\"f1\": NaN}')\n"
        self.assert_failed(self.run_job(self.spec(script)), "E_METRIC_INVALID", "NaN")
        self.assertFalse((self.base / "outputs").exists())


class Processes(JobTest):
    def test_a_process_left_behind_is_ended_before_outputs_are_read(self) -> None:
        script = METRICS + MODEL + (
            "import subprocess, sys\n"
            "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'], start_new_session=True)\n"
            "open(os.environ['SM_MODEL_DIR'] + '/pid.txt', 'w').write(str(p.pid))\n"
        )
        self.assertEqual(self.run_job(self.spec(script))["phase"], "succeeded")
        self.assert_gone(int((self.base / "outputs/model/pid.txt").read_text()))

    def test_sigterm_ends_the_command_even_when_it_ignores_it(self) -> None:
        script = (
            "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "open('pid.part', 'w').write(str(os.getpid())); os.rename('pid.part', 'pid')\ntime.sleep(300)\n"
        )
        launcher = self.start(self.spec(script))
        pid_file = self.directory / "code/pid"
        self.wait_for(pid_file.exists)
        pid = int(pid_file.read_text())
        launcher.send_signal(signal.SIGTERM)
        self.assertEqual(launcher.wait(60), 1)
        self.assert_failed(self.state(), "E_TRAINER_CANCELLED", "SIGTERM")
        self.assert_gone(pid)

    def test_a_second_launcher_in_the_same_directory_gives_way(self) -> None:
        spec = self.spec("open('here', 'w')\nimport time; time.sleep(300)")
        first = self.start(spec)
        self.wait_for((self.directory / "code/here").exists)
        self.assertEqual(self.start(spec).wait(60), 75)
        first.terminate()
        self.assertEqual(first.wait(60), 1)

    def assert_gone(self, pid: int) -> None:
        with self.assertRaises(ProcessLookupError):
            os.kill(pid, 0)
