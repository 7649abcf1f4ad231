"""The MLServer runtime: loads a checked skops model and answers with label, confidence and fallback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from mlserver import MLModel
from mlserver.errors import MLServerError
from mlserver.types import (
    Datatype,
    InferenceRequest,
    InferenceResponse,
    MetadataModelResponse,
    MetadataTensor,
    Parameters,
    ResponseOutput,
)

from .counters import PredictionCounters
from .inputs import read_features, read_texts
from .package import ModelPackage, PackageRefused, read_package

OUTPUTS = (("label", Datatype.BYTES), ("confidence", Datatype.FP64), ("fallback", Datatype.BOOL))


class SkopsRuntime(MLModel):
    """One classifier; ``parameters.uri`` of its settings is the directory that holds it."""

    async def load(self) -> bool:
        package = read_package(Path(self.settings.parameters.uri))
        if (package.service, package.version) != (self.name, self.version):
            raise PackageRefused("E_MODEL_FORMAT", f"serving.json names {package.service} version {package.version}, asked for {self.name} version {self.version}")
        self._package = package
        # The schema was held against our own list; ``trusted`` adds nothing that is not on it.
        try:
            self._model = skops.io.loads(package.raw, trusted=package.trusted)
        except Exception as fault:
            raise PackageRefused("E_MODEL_FORMAT", f"the model cannot be loaded: {type(fault).__name__}: {str(fault)[:300]}") from fault
        _check_model(self._model, package)
        self._width = int(getattr(self._model, "n_features_in_", 0))
        self.inputs = [_tensor("text", Datatype.BYTES, [-1]) if package.input == "text" else _tensor("features", Datatype.FP64, [-1, self._width])]
        self.outputs = [_tensor(name, datatype, [-1]) for name, datatype in OUTPUTS]
        self._counters = PredictionCounters(package.service, package.version, package.sha256)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        rows: Any = read_texts(payload) if self._package.input == "text" else read_features(payload, self._width)
        try:
            probabilities = self._model.predict_proba(rows)
        except Exception as fault:
            self._counters.failed()
            raise MLServerError(f"model {self.name} version {self.version} failed: {type(fault).__name__}", 500) from fault
        best = probabilities.argmax(axis=1)
        confidence = probabilities[np.arange(len(best)), best]
        fallback = confidence < self._package.fallback_below
        self._counters.answered(confidence, fallback)
        values = ([str(self._model.classes_[n]) for n in best], confidence.tolist(), fallback.tolist())
        outputs = [
            ResponseOutput(name=name, datatype=datatype, shape=[len(best)], data=data)
            for (name, datatype), data in zip(OUTPUTS, values, strict=True)
        ]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)

    async def metadata(self) -> MetadataModelResponse:
        """Who answers here: ``versions`` holds the one version, ``parameters.sha256`` the digest of its bytes."""
        metadata = await super().metadata()
        metadata.versions = [self._package.version]
        metadata.parameters = Parameters(version=self._package.version, sha256=self._package.sha256)
        return metadata


def _check_model(model: Any, package: ModelPackage) -> None:
    classes = getattr(model, "classes_", None)
    if not hasattr(model, "predict_proba") or classes is None:
        raise PackageRefused("E_MODEL_FORMAT", f"a {type(model).__name__} gives no probabilities; serve a classifier with predict_proba")
    labels = [str(name) for name in classes]
    if labels != package.labels:
        listed, held = (", ".join(sorted(set(some) - set(others))[:5]) or "none" for some, others in ((package.labels, labels), (labels, package.labels)))
        raise PackageRefused(
            "E_MODEL_FORMAT", f"model.json must list the model's labels in order; only in model.json: {ascii(listed)}, only in the model: {ascii(held)}"
        )


def _tensor(name: str, datatype: Datatype, shape: list[int]) -> MetadataTensor:
    return MetadataTensor(name=name, datatype=datatype, shape=shape)
