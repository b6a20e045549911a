"""``yinxin demo``: everything set up, sealed, forged and served by one command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from standards.errors import TrustError
from yinxin.commands.console import DIR_HELP, JSON_HELP, fail, print_json, print_line, say

DEFAULT_DIR: Final = Path("yinxin-demo")


def demo(
    *,
    folder: Annotated[Path, typer.Option("--dir", help=DIR_HELP)] = DEFAULT_DIR,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Make it only. 只生成，不启动服务。")] = False,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on. 监听地址。")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port. 端口。")] = None,
) -> None:
    """Make a demonstration deployment with a sealed PDF and a forged copy, and serve it. Again: the same. 一键演示（可重复执行）。"""
    from service_kit.settings import Listen, load_settings
    from yinxin.demo.prepare import prepare_demo, write_demo
    from yinxin.listening import check_port

    listen: dict[str, object] = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    for name, value in listen.items():  # for this run; a new deployment also keeps it in its settings
        os.environ[f"YINXIN_LISTEN__{name.upper()}"] = str(value)
    try:
        if not no_serve:
            listen_on = load_settings(folder).listen if folder.exists() else Listen()
            check_port(host or listen_on.host, port or listen_on.port)  # better now than after everything is made
        made = prepare_demo(folder, {"listen": listen} if listen else None)
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json(write_demo(made))
    else:
        verify = f"yinxin verify --trust {made.trust}"
        for line in (
            say("Demonstration deployment (no legal effect):", "演示部署（不具有法律效力）：") + f" {made.dir}",
            say("  sealed document   ", "  已盖章文件        ") + made.sealed_pdf,
            say("  forged copy       ", "  伪造副本          ") + made.forged_pdf,
            say("  original          ", "  原始文件          ") + made.original_pdf,
            say("  licence           ", "  电子证照          ") + f"{made.licence_pdf} {made.licence_ofd}",
            say("  revoked licence   ", "  已吊销证照        ") + made.revoked_licence_pdf,
            say("  seal              ", "  印章              ") + made.seal_id,
            say("  client id         ", "  应用标识          ") + made.client_id,
            say("  client secret     ", "  应用密钥          ") + made.client_secret,
            say("  person            ", "  演示用户          ") + made.demo_user,
            say("  password          ", "  密码              ") + made.demo_password,
            say("  relying party     ", "  接入系统          ") + f"{made.rp_client_id} {made.rp_client_secret} {made.rp_redirect_uri}",
            say("  simulated upstream ", "  上游模拟器        ") + made.upstream_simulator_url,
            say("Try it:", "试一试："),
            f"  {verify} {made.sealed_pdf}",
            f"  {verify} {made.forged_pdf}",
            f"  {verify} {made.licence_pdf}",
            f"  {verify} {made.revoked_licence_pdf}",
            say(f"API reference: {made.base_url}/docs", f"接口文档：{made.base_url}/docs"),
        ):
            print_line(line)
    if not no_serve:
        _serve(Path(made.dir))


def _serve(folder: Path) -> None:
    from service_kit.structured_logs import start_logging
    from yinxin.server import Serving, prepare
    from yinxin.server import serve as run_server

    try:
        host, port, workers = prepare(Serving(folder))
    except TrustError as error:
        raise fail(error) from None
    typer.echo(say(f"Serving on http://{host}:{port}; Ctrl-C ends it.", f"服务于 http://{host}:{port}，按 Ctrl-C 结束。"), err=True)
    start_logging()
    run_server(host, port, workers)
