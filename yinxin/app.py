"""The HTTP application of one process: services behind their gates, inside the frame, with a beginning and an end."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio.to_thread
from fastapi import FastAPI
from starlette.routing import Route

from service_kit.health import ReadinessProbe
from service_kit.metrics import Metrics
from service_kit.problem_catalogue import text_of
from service_kit.web import WebFrame
from service_kit.web_errors import install_problem_answers
from standards.errors import TrustError
from yinxin.access_gate import put_gates
from yinxin.front_page.lost_pages import install_lost_pages
from yinxin.job_runner import JobRunner
from yinxin.openapi_document import make_document
from yinxin.operations_api import Operations, make_router

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fastapi import APIRouter
    from starlette.types import ASGIApp, Receive, Scope, Send

    from service_kit.composition import Facts, Job, ServiceParts
    from service_kit.settings import Settings
    from yinxin.access_gate import Gatekeeper

_log = logging.getLogger(__name__)
OPERATIONS_TAG: Final = {"name": "operations", "description": "Health, counts and documentation."}


@dataclass(frozen=True, slots=True)
class Composition:
    """Everything one process consists of. ``checks``: of the house itself, before those of the services. ``system``: the routes that show
    operators how checks and periodic jobs stand.
    """

    settings: Settings
    version: str
    parts: Sequence[ServiceParts]
    keeper: Gatekeeper
    token_url: str
    checks: Sequence[tuple[str, Callable[[], Facts]]] = ()
    jobs: Sequence[Job] = ()
    on_start: Sequence[Callable[[], object]] = ()
    on_stop: Sequence[Callable[[], None]] = ()
    system: Callable[[ReadinessProbe, JobRunner], APIRouter] | None = None
    metrics: Metrics = field(default_factory=Metrics)
    write_access: Callable[[bytes], object] | None = None


class Application:
    """The ASGI application. A start that fails is reported to the server, which then does not serve."""

    def __init__(self, composition: Composition) -> None:
        self._composition = composition
        parts = composition.parts
        checks = [*composition.checks, *((check.name, check.run) for part in parts for check in part.readiness)]
        self.probe = ReadinessProbe(checks)
        operations = Operations(self.probe, composition.metrics, self.openapi)
        self._runner = JobRunner([*composition.jobs, *(job for part in parts for job in part.jobs)], composition.metrics)
        plain = [route for part in parts for route in part.router.routes] + list(make_router(operations).routes)
        if composition.system is not None:
            plain += composition.system(self.probe, self._runner).routes
        self.routes = put_gates(plain, composition.keeper)
        self.hot_routes = put_gates((route for part in parts for route in part.hot_routes), composition.keeper)
        hot = [route for route in self.hot_routes if isinstance(route, Route)]
        self._hot: dict[str, ASGIApp] = {route.path: route.app for route in hot if not route.param_convertors}
        self._hot_shapes = [(route.path_regex, route.app) for route in hot if route.param_convertors]
        framework = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
        framework.router.routes.extend(self.routes)
        install_problem_answers(framework)
        install_lost_pages(framework, composition.settings)
        self._framework = framework
        self._frame = WebFrame(
            self._dispatch,
            composition.settings.limits,
            composition.metrics,
            secure=composition.settings.base_url.startswith("https://"),
            write_access=composition.write_access,
        )

    def openapi(self) -> dict[str, object]:
        """The OpenAPI document of this process."""
        composition = self._composition
        return make_document(
            composition.parts,
            self.routes,
            version=composition.version,
            server=composition.settings.base_url,
            token_url=composition.token_url,
            further_tags=(OPERATIONS_TAG,),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one event of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._frame(scope, receive, send)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Hot routes by one look-up or match: the framework's routing and middlewares would cost a third of what a token may
        path = scope["path"]
        application = self._hot.get(path)
        if application is None:
            for shape, shaped in self._hot_shapes:
                match = shape.fullmatch(path)
                if match is not None:
                    scope["path_params"] = match.groupdict()
                    application = shaped
                    break
        await (application or self._framework)(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            # Threads and database connections are one number: a thread never waits for a connection
            anyio.to_thread.current_default_thread_limiter().total_tokens = self._composition.settings.threads
            await anyio.to_thread.run_sync(self.start)
        except TrustError as error:  # what is known needs no trace, but what to do
            log_refused_start(error)
            await send({"type": "lifespan.startup.failed", "message": f"{type(error).__name__}: {error}"})
            return
        except Exception as error:  # noqa: BLE001 # edge: the server must hear of every failed start
            _log.exception("start failed")
            await send({"type": "lifespan.startup.failed", "message": f"{type(error).__name__}: {error}"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await anyio.to_thread.run_sync(self.stop)
        await send({"type": "lifespan.shutdown.complete"})

    def start(self) -> None:
        """Begin: the house, then each service, then the periodic jobs."""
        for begin in (*self._composition.on_start, *(each for part in self._composition.parts for each in part.on_start)):
            begin()
        self._runner.start()

    def stop(self) -> None:
        """End in the opposite order."""
        self._runner.stop()
        for end in (*(each for part in reversed(self._composition.parts) for each in part.on_stop), *self._composition.on_stop):
            end()


def log_refused_start(error: TrustError) -> None:
    """A line that says why this process does not serve, and what to do."""
    text = text_of(error.code)
    said = {"cause": text.cause("en"), "remedy": text.remedy("en")} if text else {}
    _log.error("start refused", extra={"facts": {"code": error.code, **error.facts, **said}})
