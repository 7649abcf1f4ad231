"""``python -m iris.evaluate``: scores the model of channel ``model`` on the rows of channel ``data``.

Writes accuracy, macroF1, and recall and support per species to ``metrics.json``.
"""

from __future__ import annotations

import os

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[_name] = "1"

import sys  # noqa: E402

import numpy as np  # noqa: E402
from sklearn.metrics import accuracy_score, f1_score, recall_score  # noqa: E402

from .model_file import channel, load_model, write_metrics  # noqa: E402
from .rows import read_rows  # noqa: E402
from .tracking import log_to_mlflow  # noqa: E402


def main() -> int:
    model, _ = load_model(channel("model"))
    features, truth = read_rows(channel("data"))
    predicted = model.predict(np.array(features))
    species = sorted(set(truth))
    recall = recall_score(truth, predicted, labels=species, average=None, zero_division=0)
    metrics = {
        "accuracy": float(accuracy_score(truth, predicted)),
        "macroF1": float(f1_score(truth, predicted, labels=species, average="macro", zero_division=0)),
        "recall": {name: float(value) for name, value in zip(species, recall, strict=True)},
        "support": {name: truth.count(name) for name in species},
    }
    write_metrics(metrics)
    log_to_mlflow({}, {name: metrics[name] for name in ("accuracy", "macroF1")}, None)
    print(f"accuracy {metrics['accuracy']:.3f}, macro F1 {metrics['macroF1']:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
