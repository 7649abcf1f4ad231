"""``python -m slipway_launcher.sagemaker --key KEY [--root /opt/ml] [--environments DIR]``: the launcher as a SageMaker training job.

What to do is ``job.json`` of the channel ``slipway``. How far it is, it tells to the place in the store that the
document names, as ``state.json`` of the launcher. Secrets come from AWS Secrets Manager, by name, with the rights of
the execution role. Exit codes: 0 the job succeeded, 1 it failed, 2 wrong usage, 65 no usable document.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from .container import Teller, python_of
from .environment import SECRET_PREFIX
from .failures import JobFailure
from .job import run_job
from .s3_sdk import isolate_credentials
from .spec import StoreAddress, read_document
from .state import JobState
from .store import patiently
from .store_fault import StoreFault

# What SageMaker shows of /opt/ml/output/failure.
REASON_LIMIT = 1024


def main() -> int:
    given = _options()
    try:
        document = read_document(given.root / "input/data/slipway/job.json")
        launcher = document.get("launcher")
        if not isinstance(launcher, dict) or launcher.get("key") != given.key:
            raise JobFailure("E_TRAINER_SPEC", f"job.json of the channel slipway is not that of job {given.key[:12]}; start the stage again")
    except JobFailure as failure:
        _tell_sagemaker(given.root, str(failure))
        return 65
    return _run(document, launcher, given)


def _run(document: dict[str, Any], launcher: dict[str, Any], given: argparse.Namespace) -> int:
    directory = (given.root / "slipway").resolve()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = launcher.get("store") or {}
    teller = Teller(directory / "state.json", str(document["state"]), StoreAddress(store.get("endpoint"), store.get("region", "us-east-1")))
    well = False
    try:
        os.environ.update(_secrets(document.get("secrets") or {}, str(document["region"])))
        spec = {**launcher, "directory": str(directory), "python": python_of(document.get("requirements"), given.environments)}
    except JobFailure as failure:
        JobState(directory).fail(failure)
    else:
        with teller:
            well = run_job(spec, directory)
    try:
        patiently(teller.tell)
    except (StoreFault, KeyError, JobFailure) as fault:
        _tell_sagemaker(given.root, f"E_STORE: {document['state']} cannot be written: {fault}")
        return 1
    if not well:
        failure_said = read_document(directory / "state.json").get("failure", {})
        _tell_sagemaker(given.root, f"{failure_said.get('code')}: {failure_said.get('message')}")
    return 0 if well else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="slipway_launcher.sagemaker", allow_abbrev=False)
    parser.add_argument("--key", required=True, help="the key of the job that the document must be of")
    parser.add_argument("--root", type=Path, default=Path("/opt/ml"), help="the folder that SageMaker gives the container")
    parser.add_argument("--environments", type=Path, default=Path("/opt/slipway/python"), help="Python environments, by 16 digits of the digest of their requirements")
    return parser.parse_args()


def _secrets(names: dict[str, str], region: str) -> dict[str, str]:
    """The secrets by the variables that the launcher reads; E_SECRET_REF for one that the role may not read."""
    if not names:
        return {}
    isolate_credentials()
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    client = boto3.client("secretsmanager", region_name=region, config=Config(retries={"mode": "standard", "max_attempts": 6}))
    found = {}
    for variable, name in names.items():
        try:
            found[SECRET_PREFIX + variable] = client.get_secret_value(SecretId=name)["SecretString"]
        except (BotoCoreError, ClientError, KeyError) as fault:
            advice = "store a text there and give the execution role secretsmanager:GetSecretValue"
            raise JobFailure("E_SECRET_REF", f"the secret {name} for {variable} cannot be read: {fault}; {advice}") from fault
    return found


def _tell_sagemaker(root: Path, reason: str) -> None:
    print(reason, file=sys.stderr, flush=True)
    (root / "output").mkdir(parents=True, exist_ok=True)
    (root / "output" / "failure").write_bytes(reason.encode()[:REASON_LIMIT])


if __name__ == "__main__":
    sys.exit(main())
