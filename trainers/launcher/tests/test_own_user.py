from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from slipway_launcher import own_user
from slipway_launcher.failures import JobFailure
from slipway_launcher.own_user import find_user
from slipway_launcher.paths import open_regular

from .job_fixture import LAUNCHER, METRICS, MODEL, JobTest
from .test_limits import STUBBORN

# Nobody of this machine, and not the one of another run of these tests.
USER = 61_000 + os.getpid() % 4_000
TRY = (
    "import json, os, signal, sys\n"
    "def tried(work):\n    try: return str(work())\n    except OSError as fault: return type(fault).__name__\n"
)


def why_not() -> str | None:
    """Why jobs cannot run as somebody else here, or None when they can."""
    if os.geteuid() != 0:
        return "only root may run a job as somebody else"
    # That of the tests may be in a folder that nobody else may enter.
    found = subprocess.run(["/usr/bin/python3", "-c", "pass"], user=USER, group=USER, extra_groups=[], cwd="/", check=False) if Path("/usr/bin/python3").exists() else None
    return None if found is not None and found.returncode == 0 else "there is no Python that everybody may run"


class OwnUser(JobTest):
    def setUp(self) -> None:
        super().setUp()
        if (reason := why_not()) is not None:
            self.skipTest(reason)
        self.base.chmod(0o711)

    def as_user(self, script: str, **changes: Any) -> dict[str, Any]:
        return self.spec(TRY + script, **{"user": USER, "python": "/usr/bin/python3", **changes})

    def test_a_job_fetches_trains_and_stores_as_ever(self) -> None:
        script = METRICS + MODEL + (
            "print(json.dumps({'ids': [*os.getresuid(), *os.getresgid()], 'groups': os.getgroups(), 'home': os.environ['HOME'],\n"
            "  'row': open(os.environ['SM_CHANNEL_TRAIN'] + '/part/a.csv').read(), 'written': open('more', 'w').write('x'),\n"
            "  'temporary': open(os.environ['TMPDIR'] + '/x', 'w').write('x')}))\n"
        )
        spec = self.as_user(script, inputs={"train": {"files": [self.remote("part/a.csv", b"1,2")]}})
        self.assertEqual(self.run_job(spec)["phase"], "succeeded")
        seen = json.loads(self.log())
        self.assertEqual(seen["ids"][:3], [USER] * 3)
        self.assertEqual((seen["groups"], seen["row"], seen["written"]), ([], "1,2", 1))
        self.assertEqual(seen["home"], str(self.directory / "tmp"))
        self.assertEqual((self.base / "outputs/model/model.txt").read_text(), "weights")

    def test_it_can_neither_read_nor_write_what_is_the_launchers_or_the_projects(self) -> None:
        (self.base / "project").mkdir(mode=0o755)
        (self.base / "project/slipway.config.ts").write_text("")
        (self.directory / "process.json").write_text("{}")
        places = {name: str(self.directory / name) for name in ("state.json", "log.txt", "lock", "process.json")}
        script = METRICS + MODEL + (
            f"places, project, scratch = {places!r}, {str(self.base / 'project')!r}, {str(self.directory)!r}\n"
            # The launcher makes the log at the first output, beside the command.
            "print('begins', flush=True)\n"
            "while not os.path.exists(places['log.txt']): pass\n"
            "told = {f'read {n}': tried(lambda: open(p).read()) for n, p in places.items()}\n"
            "told |= {f'write {n}': tried(lambda: open(p, 'w')) for n, p in places.items()}\n"
            "told |= {f'replace {n}': tried(lambda: os.rename('job.py', p)) for n, p in places.items()}\n"
            "told['environment'] = tried(lambda: open(f'/proc/{os.getppid()}/environ', 'rb').read())\n"
            "told['memory'] = tried(lambda: open(f'/proc/{os.getppid()}/mem', 'rb').read(1))\n"
            "told['end'] = tried(lambda: os.kill(os.getppid(), signal.SIGKILL))\n"
            "told['list'] = tried(lambda: os.listdir(scratch))\n"
            "told['model'] = tried(lambda: os.rename(os.environ['SM_MODEL_DIR'], scratch + '/tmp/model'))\n"
            "told['add'] = tried(lambda: open(project + '/new', 'w'))\n"
            "told['change'] = tried(lambda: open(project + '/slipway.config.ts', 'a'))\n"
            "told['system'] = tried(lambda: open('/etc/slipway', 'w'))\n"
            "print(json.dumps(told))\n"
        )
        self.assertEqual(self.run_job(self.as_user(script), AWS_SECRET_ACCESS_KEY="s3cret")["phase"], "succeeded")
        told = json.loads(self.log().splitlines()[-1])
        self.assertEqual({name: end for name, end in told.items() if end != "PermissionError"}, {})

    def test_a_program_that_makes_its_caller_root_does_not(self) -> None:
        whoami = self.base / "whoami"
        shutil.copy("/usr/bin/id", whoami)
        whoami.chmod(0o4755)
        script = METRICS + MODEL + f"os.execv({str(whoami)!r}, ['id', '-u'])\n"
        self.run_job(self.as_user(script))
        self.assertEqual(self.log(), f"{USER}\n")

    def test_jobs_of_one_user_cannot_enter_each_others_folders_or_processes(self) -> None:
        waits = self.as_user("import time; print('running', flush=True); time.sleep(300)")
        first = self.start(waits, SLIPWAY_MARKER="own-1")
        self.wait_for(lambda: (self.directory / "log.txt").exists() and self.log() == "running\n")
        command = self.command_of(first.pid)
        theirs, self.directory = self.directory, self.base / "second"
        self.directory.mkdir(mode=0o700)
        script = METRICS + MODEL + (
            f"print(json.dumps([tried(lambda: os.listdir({str(theirs / 'code')!r})), tried(lambda: open({str(theirs / 'model/x')!r}, 'w')),\n"
            f"  tried(lambda: open('/proc/{command}/environ').read()), tried(lambda: os.listdir('/proc/{command}/cwd/'))]))\n"
        )
        state = self.run_job(self.as_user(script, key="cd" * 32))
        self.assertEqual(state["phase"], "succeeded", state)
        self.assertEqual(json.loads(self.log()), ["PermissionError"] * 4)
        first.send_signal(signal.SIGTERM)
        self.assertEqual(first.wait(60), 1)

    def command_of(self, launcher: int) -> int:
        return int(Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()[0])

    def test_limits_and_a_stop_end_all_of_it(self) -> None:
        state = self.run_job(self.as_user(STUBBORN + "while True: pass\n", maxSeconds=1))
        self.assert_failed(state, "E_TRAINER_LIMIT", "maxDuration")
        self.assertEqual(self.of_the_user(), [])
        (self.directory / "state.json").unlink()
        launcher = self.start(self.as_user(STUBBORN + "print('running', flush=True); time.sleep(300)\n"))
        self.wait_for(lambda: len(self.of_the_user()) == 4)
        launcher.send_signal(signal.SIGTERM)
        self.assertEqual(launcher.wait(60), 1)
        self.assertEqual(self.of_the_user(), [])
        self.assert_failed(self.state(), "E_TRAINER_CANCELLED")

    def of_the_user(self) -> list[str]:
        found = []
        for place in Path("/proc").glob("[0-9]*/status"):
            try:
                lines = dict(line.split(":\t", 1) for line in place.read_text().splitlines() if ":\t" in line)
            except OSError:
                continue
            if lines["Uid"].split()[0] == str(USER) and not lines["State"].startswith(("Z", "X")):
                found.append(place.parent.name)
        return found

    def test_checkpoints_are_stored_and_found_again(self) -> None:
        script = (
            "file = os.environ['SM_CHECKPOINT_DIR'] + '/epoch.txt'\n"
            "print('began at', open(file).read() if os.path.exists(file) else '0')\nopen(file, 'w').write('3')\nraise SystemExit(75)\n"
        )
        for began in ("0", "3"):
            (self.directory / "state.json").unlink(missing_ok=True)
            self.run_job(self.as_user(script, checkpoints=(self.base / "checkpoints").as_uri() + "/"))
            self.assertEqual(self.log(), f"began at {began}\n")

    def test_places_that_the_user_cannot_reach_are_named_before_anything_is_fetched(self) -> None:
        private = self.base / "private"
        private.mkdir(mode=0o700)
        shutil.copy("/bin/true", private / "python")
        state = self.run_job(self.as_user("pass", python=str(private / "python")))
        self.assert_failed(state, "E_TRAINER_ENVIRONMENT", f"user {USER}", str(private / "python"))
        self.base.chmod(0o700)
        state = self.run_job(self.as_user("pass"))
        self.assert_failed(state, "E_TRAINER_ENVIRONMENT", f"may not enter {self.base}")

    def test_a_user_that_is_not_there_or_is_root_is_refused(self) -> None:
        for user, said in (("no-such-user", "no such user"), ("root", "it is root"), (0, "it is root")):
            with self.subTest(user):
                self.assert_failed(self.run_job(self.as_user("pass", user=user)), "E_TRAINER_ENVIRONMENT", said)


class Rights(JobTest):
    def test_where_root_has_no_groups_to_give_a_user_is_refused(self) -> None:
        if shutil.which("unshare") is None or subprocess.run(["unshare", "-r", "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no namespace of users can be made here")
        # Root of a namespace in which there is nobody else.
        (self.base / "spec.json").write_text(json.dumps(self.spec("pass", user=USER)))
        launcher = ["unshare", "-r", sys.executable, "-m", "slipway_launcher", str(self.base / "spec.json")]
        self.assertEqual(subprocess.run(launcher, cwd=LAUNCHER, timeout=60, check=False).returncode, 1)
        self.assert_failed(self.state(), "E_TRAINER_ENVIRONMENT", f"user {USER}", "group")

    def test_without_the_rights_of_root_a_user_is_refused_and_its_form_is_checked(self) -> None:
        with mock.patch.object(own_user.os, "geteuid", return_value=1000), self.assertRaises(JobFailure) as told:
            find_user("slipway-jobs", "ab" * 32)
        self.assertEqual(told.exception.code, "E_TRAINER_ENVIRONMENT")
        self.assertIn("does not run as root", told.exception.message)
        for user in ("", "a b", "-x", -1, True, 1.5, 1 << 32, []):
            with self.subTest(user):
                self.assert_failed(self.run_job(self.spec("pass", user=user)), "E_TRAINER_SPEC", "/user")

    @unittest.skipUnless(os.geteuid() == 0, "only root finds users to become")
    def test_a_user_is_found_by_name_and_each_job_has_a_group_of_its_own(self) -> None:
        known = pwd.getpwall()[-1]
        one, two = (find_user(known.pw_name, digits * 32) for digits in ("ab", "ac"))
        self.assertEqual(one.uid, known.pw_uid)
        self.assertNotEqual(one.gid, two.gid)
        self.assertTrue(all(1 << 30 <= user.gid < 1 << 31 for user in (one, two)))

    @unittest.skipUnless(os.geteuid() == 0, "only root reads what is not its own")
    def test_a_file_that_is_not_the_users_is_not_read_for_it(self) -> None:
        file = self.base / "secret"
        file.write_text("s3cret")
        with self.assertRaises(JobFailure):
            open_regular(file, own_user.JobUser("nobody", USER, USER))
        # The same user's, of another job.
        os.chown(file, USER, USER + 1)
        with self.assertRaises(JobFailure):
            open_regular(file, own_user.JobUser("nobody", USER, USER))
        os.chown(file, USER, USER)
        os.close(open_regular(file, own_user.JobUser("nobody", USER, USER)))
