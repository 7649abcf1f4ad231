"""``python -m intents.train --epochs 80 [--share 1] [--fallback-below 0.35]``

Reads the channel ``train``, writes ``model.skops`` and ``model.json`` to SM_MODEL_DIR and metrics of the training
data to SM_OUTPUT_DATA_DIR. The same inputs and hyperparameters give the same bytes.
"""

from __future__ import annotations

import os

# One thread: sums in a fixed order, so that a model can be made again bit by bit.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse  # noqa: E402
import sys  # noqa: E402
import warnings  # noqa: E402
from pathlib import Path  # noqa: E402

from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.metrics import f1_score  # noqa: E402
from sklearn.pipeline import FeatureUnion, Pipeline  # noqa: E402

from .model_file import channel, save_model, write_metrics  # noqa: E402
from .rows import read_rows, take_share  # noqa: E402
from .tracking import log_to_mlflow  # noqa: E402

INVERSE_REGULARISATION = 10.0


def build_classifier(epochs: int) -> Pipeline:
    """TF-IDF of words, word pairs and letter groups, then multinomial logistic regression."""
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    regression = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=epochs)
    return Pipeline([("features", FeatureUnion([("words", words), ("letters", letters)])), ("classifier", regression)])


def main() -> int:
    options = _options()
    rows = take_share(read_rows(channel("train")), options.share)
    intents = sorted({row.intent for row in rows})
    if len(intents) < 2:
        raise SystemExit(f"{len(rows)} rows of {len(intents)} intents are left at --share {options.share}; at least two intents are needed")
    texts, labels = [row.text for row in rows], [row.intent for row in rows]
    classifier = build_classifier(options.epochs)
    with warnings.catch_warnings():
        # --epochs says when to stop; stopping before convergence is what was asked for.
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(texts, labels)
    for _, vectorizer in classifier["features"].transformer_list:
        # A memory address that scikit-learn keeps to save a check; it would make each model's bytes unique.
        vars(vectorizer).pop("_stop_words_id", None)
    folder = Path(os.environ.get("SM_MODEL_DIR", "model"))
    save_model(
        folder,
        classifier,
        {"kind": "text-classifier", "input": "text", "labels": intents, "fallbackBelow": options.fallback_below},
    )
    metrics = {
        "trainMacroF1": float(f1_score(labels, classifier.predict(texts), average="macro")),
        "rows": len(rows),
        "intents": len(intents),
    }
    write_metrics(metrics)
    log_to_mlflow(vars(options), metrics, folder)
    print(f"trained on {len(rows)} rows of {len(intents)} intents; macro F1 on them {metrics['trainMacroF1']:.3f}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m intents.train", allow_abbrev=False)
    parser.add_argument("--epochs", type=int, default=80, help="iterations of the solver (80)")
    parser.add_argument("--share", type=float, default=1.0, help="part of the templates to learn from, above 0 up to 1 (1)")
    parser.add_argument("--fallback-below", type=float, default=0.35, help="confidence below which a person is asked (0.35)")
    options = parser.parse_args()
    if options.epochs < 1 or not 0 < options.share <= 1 or not 0 <= options.fallback_below < 1:
        parser.error("--epochs must be at least 1, --share above 0 up to 1, --fallback-below from 0 up to below 1")
    return options


if __name__ == "__main__":
    sys.exit(main())
