"""MLServer for one model: HTTP and metrics on loopback, nothing that could load or unload another."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import uvicorn
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from mlserver import MLServer, ModelSettings, Settings
from mlserver.rest import RESTServer

from .package import ModelPackage
from .request_guard import RequestGuard
from .runtime import SkopsRuntime

# Longer than a router keeps an idle connection: the router closes it, so no request meets a closing socket.
KEEP_ALIVE_SECONDS = 600
_QUIET: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
    "loggers": {"mlserver": {"level": "WARNING"}, "uvicorn": {"level": "WARNING"}},
}


class _HttpServer(RESTServer):
    def _get_config(self) -> uvicorn.Config:
        config = super()._get_config()
        config.timeout_keep_alive = KEEP_ALIVE_SECONDS
        return config


class OneModelServer(MLServer):
    """Serves ``package`` from ``directory`` until SIGTERM; requests under way are answered first."""

    def __init__(self, package: ModelPackage, directory: Path, port: int, metrics_port: int) -> None:
        self._package = package
        self._listening = self._stopped_early = False
        self._model_settings = ModelSettings(
            _env_file=None,
            name=package.service,
            implementation=SkopsRuntime,
            platform="skops",
            parameters={"uri": str(directory), "version": package.version},
        )
        super().__init__(
            Settings(
                _env_file=None,
                host="127.0.0.1",
                http_port=port,
                metrics_port=metrics_port,
                model_repository_root=str(directory),
                load_models_at_startup=False,
                parallel_workers=0,
                debug=False,
                gzip_enabled=False,
                logging_settings=_QUIET,
            )
        )

    def _create_servers(self) -> None:
        self._kafka_server = None
        # One protocol is served.
        self._grpc_server = None
        self._rest_server = _HttpServer(self._settings, self._data_plane, self._model_repository_handlers)
        app = self._rest_server._app
        served = {"/v2", "/v2/health/live", "/v2/health/ready"}
        routes = [r for r in app.router.routes if r.path in served or _answers_one_model(r.path)]
        app.router.routes[:] = routes
        app.add_exception_handler(RequestValidationError, _explain)
        app.add_middleware(RequestGuard, headers={"x-model-version": self._package.version, "x-model-digest": self._package.sha256})

    async def serve(self) -> None:
        """Loads, then listens, and returns after the stop. PackageRefused when the model cannot be loaded: nothing listened."""
        await self._model_registry.load(self._model_settings)
        if self._stopped_early:
            return
        self._listening = True
        await asyncio.gather(self._rest_server.start(), self._metrics_server.start())

    async def stop(self, sig: int | None = None) -> None:
        # MLServer stops what it has started; a signal may come before that.
        if self._listening:
            await super().stop(sig)
        else:
            self._stopped_early = True


async def _explain(_request: Any, fault: RequestValidationError) -> JSONResponse:
    """A body that is no inference request: every fault with its place, none of the content."""
    faults = [f"/{'/'.join(str(step) for step in error['loc'])}: {error['msg']}" for error in fault.errors()[:10]]
    return JSONResponse({"error": "not an inference request (application/json): " + "; ".join(faults)}, 400)


def _answers_one_model(path: str) -> bool:
    return path.startswith("/v2/models/{model_name}") and path.rpartition("/")[2] in ("{model_name}", "{model_version}", "ready", "infer")
