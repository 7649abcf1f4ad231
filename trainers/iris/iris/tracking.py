"""Writes parameters, metrics and the model into the MLflow run that the environment names, if it names one."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path


def log_to_mlflow(params: Mapping[str, object], metrics: Mapping[str, float], model: Path | None) -> None:
    """Adds to the run MLFLOW_RUN_ID; without it and MLFLOW_TRACKING_URI nothing happens.

    The run belongs to who made it, so its status is not touched. When MLflow cannot be reached the job goes on,
    since its own metrics and manifest are complete; the log says so.
    """
    run_id = os.environ.get("MLFLOW_RUN_ID")
    if not run_id or not os.environ.get("MLFLOW_TRACKING_URI"):
        return
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param
    from mlflow.exceptions import MlflowException

    client, now = MlflowClient(), int(time.time() * 1000)
    try:
        client.log_batch(
            run_id,
            metrics=[Metric(name, value, now, 0) for name, value in metrics.items()],
            params=[Param(name, str(value)) for name, value in params.items()],
        )
        if model is not None:
            client.log_artifacts(run_id, str(model), "model")
    except (MlflowException, OSError) as fault:
        print(f"MLflow has no record of this step: {fault}", file=sys.stderr)
