"""``python -m iris.train [--epochs 200] [--fallback-below 0.6]``

Reads the channel ``train``, writes ``model.skops`` and ``model.json`` to SM_MODEL_DIR and metrics of the training
data to SM_OUTPUT_DATA_DIR.
"""

from __future__ import annotations

import os

# One thread: sums in a fixed order, so that a model can be made again bit by bit.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.pipeline import Pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

from .model_file import channel, save_model, write_metrics  # noqa: E402
from .rows import read_rows  # noqa: E402
from .tracking import log_to_mlflow  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m iris.train", allow_abbrev=False)
    parser.add_argument("--epochs", type=int, default=200, help="iterations of the solver (200)")
    parser.add_argument("--fallback-below", type=float, default=0.6, help="confidence below which a person is asked (0.6)")
    options = parser.parse_args()
    features, species = read_rows(channel("train"))
    classifier = Pipeline([("scale", StandardScaler()), ("classifier", LogisticRegression(max_iter=options.epochs))])
    classifier.fit(np.array(features), species)
    folder = Path(os.environ.get("SM_MODEL_DIR", "model"))
    labels = sorted(set(species))
    save_model(
        folder,
        classifier,
        {"kind": "tabular-classifier", "input": "features", "labels": labels, "fallbackBelow": options.fallback_below},
    )
    metrics = {"trainAccuracy": float(classifier.score(np.array(features), species)), "rows": len(species)}
    write_metrics(metrics)
    log_to_mlflow(vars(options), metrics, folder)
    print(f"trained on {len(species)} flowers; accuracy on them {metrics['trainAccuracy']:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
