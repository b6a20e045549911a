"""Serving: uvicorn with uvloop and httptools, one process or several that share the folder of the deployment."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from service_kit.structured_logs import start_logging
from standards.errors import TrustError
from yinxin import links
from yinxin.app import log_refused_start
from yinxin.assembly import code_older_rows, compose, migrate_all, open_application, open_house
from yinxin.deployment import open_deployment
from yinxin.house_checks import start_checks
from yinxin.later_keys import make_later_keys, record_made
from yinxin.listening import check_port

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from yinxin.app import Application

APPLICATION: Final = "yinxin.server:application"
DIR_VARIABLE: Final = "YINXIN_DIR"
STOP_SECONDS: Final = 20  # how long requests under way may take at SIGTERM
KEEP_ALIVE_SECONDS: Final = 65  # a little more than gateways keep an idle connection (60 s), so that they close it first
BACKLOG: Final = 1024


@dataclass(frozen=True, slots=True)
class Serving:
    """What the command line says on top of the settings; None leaves the setting."""

    folder: Path
    host: str | None = None
    port: int | None = None
    workers: int | None = None


def prepare(serving: Serving) -> tuple[str, int, int]:
    """Before any worker starts: settings into the environment, which every worker reads; tables migrated; everything openable.

    Returns host, port, workers. What is wrong with the deployment is raised here, as TrustError, and not by each worker.
    """
    os.environ[DIR_VARIABLE] = os.fspath(serving.folder.resolve())
    for variable, value in (
        ("YINXIN_LISTEN__HOST", serving.host),
        ("YINXIN_LISTEN__PORT", serving.port),
        ("YINXIN_WORKERS", serving.workers),
    ):
        if value is not None:
            os.environ[variable] = str(value)
    deployment = open_deployment(serving.folder)
    make_later_keys(deployment)
    house = open_house(deployment)
    try:
        links.issuer_of(house.context.settings)
        migrate_all(house.context.database)
        code_older_rows(house.context)
        record_made(house.context)
        for _, check in start_checks(house.context):
            check()
        compose(house)  # a setting that only the application reads is refused here too
    finally:
        house.close()
    settings = house.context.settings
    check_port(settings.listen.host, settings.listen.port)
    return settings.listen.host, settings.listen.port, settings.workers


def application() -> Application:
    """The application of a worker process: uvicorn calls this by its name.

    Where the deployment cannot be opened any more the process ends as one whose start failed: with another status it would be begun anew for ever.
    """
    folder = Path(os.environ[DIR_VARIABLE])
    try:
        house, application = open_application(folder)
    except TrustError as error:
        start_logging()
        log_refused_start(error)
        sys.exit(STARTUP_FAILURE)
    start_logging(house.context.settings.log_level)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of every look at the version of the tables
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), name="parent-watch", daemon=True).start()
    # What is there now stays: the collector looking through all of it again would stop everybody for tens of milliseconds
    gc.collect()
    gc.freeze()
    return application


def _end_with(parent: BaseProcess) -> None:
    """End this worker, in good order, when its parent is gone: killed, a parent leaves workers behind that hold the port."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def serve(host: str, port: int, workers: int) -> None:
    """Serve until SIGTERM or SIGINT. ``prepare`` has been called.

    SystemExit 3 where a process does not come up, one of several too: the next start looks at the deployment anew, and says what is wrong.
    """
    options: dict[str, Any] = {
        "factory": True,
        "host": host,
        "port": port,
        "workers": workers,
        "loop": "uvloop",
        "http": "yinxin.bounded_http:BoundedHttp",
        "ws": "none",
        "lifespan": "on",
        "access_log": False,
        "log_config": None,
        "server_header": False,
        # Who calls is the peer of the connection; a header that anybody can write says nothing
        "proxy_headers": False,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": STOP_SECONDS,
        "backlog": BACKLOG,
    }
    if workers == 1:
        # After an orderly end uvicorn raises the signal once more for whoever was there before it; an end in good order is status 0
        signal.signal(signal.SIGTERM, lambda *_: None)
        uvicorn.run(APPLICATION, **options)
        return
    config = uvicorn.Config(APPLICATION, **options)
    parent = Multiprocess(config, sockets=[config.bind_socket()])
    parent.run()
    if any(worker.exitcode == STARTUP_FAILURE for worker in parent.processes):
        # `run` returns as after SIGTERM: status 0 would be an end in good order, after which nobody starts it again
        sys.exit(STARTUP_FAILURE)
