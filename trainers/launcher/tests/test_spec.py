from __future__ import annotations

from slipway_launcher.failures import JobFailure
from slipway_launcher.spec import parse_spec

from .job_fixture import JobTest


class Specification(JobTest):
    def refused(self, **changes: object) -> JobFailure:
        with self.assertRaises(JobFailure) as caught:
            parse_spec(self.spec("pass", **changes))
        return caught.exception

    def test_all_faults_are_told_at_once(self) -> None:
        failure = self.refused(format=2, key="x", command=[], outputs="/tmp/", expects=["modle"], extra=1)
        self.assertEqual(failure.code, "E_TRAINER_SPEC")
        for place in ("/format", "/key", "/command", "/outputs", "/expects", "extra"):
            self.assertIn(place, failure.message)

    def test_paths_that_leave_their_folder_are_refused(self) -> None:
        for path in ("../x", "/etc/passwd", "a/../../x", "a//b", "", "a\\b", "a\x00b", "x" * 600):
            with self.subTest(path):
                file = {**self.remote("ok", b""), "path": path}
                self.assertIn("/inputs/train/files/0/path", self.refused(inputs={"train": {"files": [file]}}).message)

    def test_a_path_named_twice_is_refused(self) -> None:
        files = [self.remote("a", b"1"), self.remote("a", b"2")]
        self.assertIn("twice", self.refused(inputs={"train": {"files": files}}).message)

    def test_variables_that_choose_code_or_credentials_are_refused(self) -> None:
        for name in ("LD_PRELOAD", "ld_preload", "PYTHONPATH", "NODE_OPTIONS", "PATH", "HOME", "AWS_SECRET_ACCESS_KEY", "SM_MODEL_DIR", "A=B"):
            with self.subTest(name):
                failure = self.refused(environment={name: "x"})
                self.assertEqual(failure.code, "E_ENV_FORBIDDEN")
                self.assertIn(name, failure.message)

    def test_ordinary_variables_are_taken(self) -> None:
        names = {"MLFLOW_RUN_ID": "1", "SMTP_HOST": "h", "OMP_NUM_THREADS": "1", "GITHUB_SHA": "s"}
        self.assertEqual(parse_spec(self.spec("pass", environment=names)).environment, names)

    def test_hyperparameters_that_share_a_variable_are_refused(self) -> None:
        self.assertIn("SM_HP_A_B", self.refused(hyperparameters={"a-b": 1, "a_b": 2}).message)

    def test_hyperparameters_without_a_value_are_refused(self) -> None:
        for value in (None, float("nan"), float("inf"), [float("nan")], "nul\0"):
            with self.subTest(value):
                self.assertIn("/hyperparameters", self.refused(hyperparameters={"a": value}).message)

    def test_null_inside_a_list_or_object_is_a_value(self) -> None:
        given = {"a": [None, 1], "b": {"c": None}}
        self.assertEqual(parse_spec(self.spec("pass", hyperparameters=given)).hyperparameters, given)
