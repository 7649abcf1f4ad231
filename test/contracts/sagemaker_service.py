"""moto's server, and what it leaves out of training jobs: they have an environment, are refused when their name is taken,
can be stopped, and run. A container is a process here: command, arguments, variables and channels are those of the
job that was submitted, only the container's folders are below a folder of this machine.

Prints ``{"port": N}`` when it is ready. Reads commands from its input: ``interrupt NAME`` takes the capacity of a spot
job back and gives it new one, ``forget NAME`` ends a job without a word and without a trace.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import boto3
from moto.core.responses import ActionResult
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.sagemaker.exceptions import ResourceInUseException, ValidationError
from moto.sagemaker.models import FakeTrainingJob
from moto.sagemaker.responses import SageMakerResponse

GRACE_SECONDS = 120


class Site:
    """Where containers run, and as whom."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.folder: Path = given.folder
        self.environments: str = str(given.environments)
        self.python: str = given.python
        self.launcher: str = given.launcher
        self.store: str | None = given.store
        self.endpoint = ""

    def client(self, service: str) -> Any:
        endpoint = self.endpoint if service != "s3" or self.store is None else self.store
        return boto3.client(service, endpoint_url=endpoint, region_name="us-east-1")


class Container:
    """A training job's container: it is started again when its capacity was taken away."""

    def __init__(self, job: FakeTrainingJob, site: Site) -> None:
        self.job, self.site = job, site
        self.root = site.folder / job.training_job_name
        self.stopped = self.interrupted = self.forgotten = False
        self.process: subprocess.Popen[bytes] | None = None
        self.lock = threading.Lock()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        while True:
            self.tell("InProgress", "Downloading")
            root = self.root / str(len(list(self.root.glob("*"))))
            self.fetch(root)
            with self.lock:
                if self.stopped:
                    return self.tell("Stopped", "Stopped")
                self.process = self.start(root)
                self.tell("InProgress", "Training")
            code = self.process.wait()
            self.store(root)
            if self.forgotten:
                return
            if self.interrupted and not self.stopped:
                self.interrupted = False
                self.tell("InProgress", "Interrupted")
                continue
            return self.end(code, root)

    def end(self, code: int, root: Path) -> None:
        if self.stopped:
            return self.tell("Stopped", "Stopped")
        if code == 0:
            return self.tell("Completed", "Completed")
        said = root / "output" / "failure"
        reason = said.read_text() if said.exists() else ""
        self.job.failure_reason = f"AlgorithmError: {reason}, exit code: {code}"[:1024]
        self.tell("Failed", "Failed")

    def tell(self, status: str, secondary: str) -> None:
        self.job.training_job_status, self.job.secondary_status = status, secondary
        self.job.secondary_status_transitions.append({"Status": secondary, "StartTime": time.time()})

    def end_soon(self) -> None:
        """As SageMaker does: a word, two minutes, the end."""
        with self.lock:
            process = self.process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        threading.Timer(GRACE_SECONDS, process.kill).start()

    def start(self, root: Path) -> subprocess.Popen[bytes]:
        of = self.job.algorithm_specification
        command = [self.here(part, root) for part in [*of["ContainerEntrypoint"], *of.get("ContainerArguments", [])]]
        command[0] = self.site.python if command[0] == "python3" else command[0]
        with (root / "container.log").open("wb") as log:
            return subprocess.Popen(command, env=self.variables(), cwd=root, stdout=log, stderr=log, start_new_session=True)

    def variables(self) -> dict[str, str]:
        """The job's own, and what the platform and the image bring: credentials of the role, the launcher."""
        arguments = self.job.algorithm_specification["ContainerArguments"]
        return {
            **(self.job.environment or {}),  # type: ignore[attr-defined]
            **{name: os.environ[name] for name in ("PATH", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")},
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.site.endpoint,
            "PYTHONPATH": self.site.launcher,
            "SLIPWAY_MARKER": arguments[arguments.index("--key") + 1],
        }

    def here(self, part: str, root: Path) -> str:
        return part.replace("/opt/slipway/python", self.site.environments).replace("/opt/ml", str(root))

    def fetch(self, root: Path) -> None:
        for channel in self.job.input_data_config:
            source = channel["DataSource"]["S3DataSource"]["S3Uri"]
            self.copy_down(source, root / "input" / "data" / channel["ChannelName"])
        if self.job.checkpoint_config:
            self.copy_down(self.job.checkpoint_config["S3Uri"], Path(self.here(self.job.checkpoint_config["LocalPath"], root)))

    def copy_down(self, source: str, target: Path) -> None:
        target.mkdir(parents=True)
        bucket, _, prefix = source.removeprefix("s3://").partition("/")
        client = self.site.client("s3")
        for found in client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
            file = target / found["Key"].removeprefix(prefix)
            file.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(bucket, found["Key"], str(file))

    def store(self, root: Path) -> None:
        if not self.job.checkpoint_config:
            return
        bucket, _, prefix = self.job.checkpoint_config["S3Uri"].removeprefix("s3://").partition("/")
        local = Path(self.here(self.job.checkpoint_config["LocalPath"], root))
        for file in (place for place in local.rglob("*") if place.is_file()):
            self.site.client("s3").upload_file(str(file), bucket, prefix + str(file.relative_to(local)))


def install(site: Site) -> dict[str, Container]:
    """Adds to moto what it leaves out; the containers by the names of their jobs."""
    containers: dict[str, Container] = {}
    creating = threading.Lock()
    create = SageMakerResponse.create_training_job

    def create_training_job(self: SageMakerResponse) -> ActionResult:
        name = self._get_param("TrainingJobName")
        with creating:
            jobs = self.sagemaker_backend.training_jobs
            if name in jobs:
                raise ResourceInUseException("Training job names must be unique within an AWS account and region")
            answer = create(self)
            jobs[name].environment = self._get_param("Environment") or {}
            jobs[name].training_job_status, jobs[name].secondary_status = "InProgress", "Starting"
            jobs[name].secondary_status_transitions = []
            containers[name] = Container(jobs[name], site)
            return answer

    def stop_training_job(self: SageMakerResponse) -> ActionResult:
        name = self._get_param("TrainingJobName")
        job = self.sagemaker_backend.training_jobs.get(name)
        if job is None:
            raise ValidationError("Requested resource not found.")
        if job.training_job_status not in ("InProgress", "Stopping"):
            raise ValidationError(f"The request was rejected because the training job is in status {job.training_job_status}")
        job.training_job_status = job.secondary_status = "Stopping"
        containers[name].stopped = True
        containers[name].end_soon()
        return ActionResult({})

    SageMakerResponse.create_training_job = create_training_job  # type: ignore[method-assign]
    SageMakerResponse.stop_training_job = stop_training_job  # type: ignore[attr-defined]
    return containers


def command(line: str, containers: dict[str, Container]) -> None:
    verb, _, name = line.strip().partition(" ")
    container = containers[name]
    if verb == "interrupt":
        container.interrupted = True
        container.end_soon()
    elif verb == "forget":
        from moto.sagemaker.models import sagemaker_backends

        container.forgotten = True
        for account in sagemaker_backends.values():
            account["us-east-1"].training_jobs.pop(name, None)


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--folder", "--environments"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--launcher", required=True)
    parser.add_argument("--store")
    site = Site(parser.parse_args())
    containers = install(site)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    site.endpoint = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    print(json.dumps({"port": server.get_host_and_port()[1]}), flush=True)
    for line in sys.stdin:
        command(line, containers)


if __name__ == "__main__":
    main()
