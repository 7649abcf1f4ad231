"""Writes two small iris classifiers, FOLDER/1 and FOLDER/2, each model.skops and model.json: usage tiny_model.py FOLDER"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import skops.io
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression


def main(folder: Path) -> None:
    features, species = load_iris(return_X_y=True)
    for name, strength in (("1", 1.0), ("2", 0.1)):
        target = folder / name
        target.mkdir(parents=True)
        model = LogisticRegression(C=strength, max_iter=500).fit(features, species)
        skops.io.dump(model, target / "model.skops")
        description = {
            "format": 1,
            "kind": "tabular-classifier",
            "input": "features",
            "labels": [str(label) for label in model.classes_],
            "fallbackBelow": 0.5,
            "skops": {"trusted": []},
        }
        (target / "model.json").write_text(json.dumps(description))


main(Path(sys.argv[1]))
