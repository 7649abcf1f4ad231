"""What Prometheus reads: counters per service, version and digest, at 0 from the moment the model is loaded."""

from __future__ import annotations

import numpy as np
from prometheus_client import Counter, disable_created_metrics

disable_created_metrics()

_LABELS = ("service", "version", "digest")
_PREDICTIONS = Counter("slipway_predictions", "Predictions answered", _LABELS)
_FALLBACK = Counter("slipway_prediction_fallback", "Predictions whose confidence was below the model's limit", _LABELS)
_CONFIDENCE = Counter("slipway_prediction_confidence", "Sum of the confidences of all predictions", _LABELS)
_SQUARES = Counter("slipway_prediction_confidence_squares", "Sum of the squared confidences of all predictions", _LABELS)
_ERRORS = Counter("slipway_prediction_errors", "Well-formed requests that the model failed to answer", _LABELS)


class PredictionCounters:
    """The counters of one model version; ``sha256`` is shown by its first 12 hex digits."""

    def __init__(self, service: str, version: str, sha256: str) -> None:
        labels = (service, version, sha256[:12])
        self._predictions = _PREDICTIONS.labels(*labels)
        self._fallback = _FALLBACK.labels(*labels)
        self._confidence = _CONFIDENCE.labels(*labels)
        self._squares = _SQUARES.labels(*labels)
        self._errors = _ERRORS.labels(*labels)

    def answered(self, confidence: np.ndarray, fallback: np.ndarray) -> None:
        self._predictions.inc(len(confidence))
        self._fallback.inc(int(fallback.sum()))
        self._confidence.inc(float(confidence.sum()))
        self._squares.inc(float(np.square(confidence).sum()))

    def failed(self) -> None:
        self._errors.inc()
