"""``yinxin serve``: answer over HTTP."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations when the command is called
from typing import Annotated

import typer

from standards.errors import TrustError
from yinxin.commands.console import DIR_HELP, check_folder, fail_start, say


def serve(
    *,
    folder: Annotated[Path, typer.Option("--dir", help=DIR_HELP)],
    host: Annotated[str | None, typer.Option(help="Address to listen on (setting listen.host). 监听地址。")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port (setting listen.port). 端口。")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes (setting workers). 进程数。")] = None,
) -> None:
    """Serve the deployment until SIGTERM or Ctrl-C. Logs go to standard error, one JSON object a line. 启动服务。"""
    from service_kit.structured_logs import start_logging
    from yinxin.server import Serving, prepare
    from yinxin.server import serve as run_server

    try:
        check_folder(folder)
        chosen_host, chosen_port, chosen_workers = prepare(Serving(folder, host, port, workers))
    except TrustError as error:
        raise fail_start(error) from None
    start_logging()
    address = f"http://{chosen_host}:{chosen_port}"
    typer.echo(
        say(f"Serving {folder} on {address} (API reference: {address}/docs)", f"{folder} 服务于 {address}（接口文档：{address}/docs）"),
        err=True,
    )
    run_server(chosen_host, chosen_port, chosen_workers)
