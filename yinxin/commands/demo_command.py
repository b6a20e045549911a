"""``yinxin demo``: everything set up, sealed, forged and served by one command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from standards.errors import Kind, TrustError
from yinxin.commands.console import DIR_HELP, JSON_HELP, check_folder, fail, print_json, print_line, say

if TYPE_CHECKING:
    from yinxin.demo.people import DemoPerson
    from yinxin.demo.prepare import Demo

DEFAULT_DIR: Final = Path("yinxin-demo")


def demo(
    *,
    folder: Annotated[Path, typer.Option("--dir", help=DIR_HELP)] = DEFAULT_DIR,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Make it only. 只生成，不启动服务。")] = False,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on. 监听地址。")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port. 端口。")] = None,
    is_small: Annotated[
        bool, typer.Option("--small", help="Without further people, seals and licences. 不生成其他人员、印章和证照。")
    ] = False,
    code: Annotated[
        str | None,
        typer.Option(metavar="LOGIN", help="Print the present one-time code of a demonstration account. 显示演示账户的当前动态口令。"),
    ] = None,
) -> None:
    """Make a demonstration deployment with a sealed PDF and a forged copy, and serve it. Again: the same. 一键演示（可重复执行）。"""
    from service_kit.settings import Listen, load_settings
    from yinxin.demo.prepare import prepare_demo, write_demo
    from yinxin.listening import check_port

    if code is not None:
        _print_code(folder, code)
        return
    listen: dict[str, object] = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    for name, value in listen.items():  # for this run; a new deployment also keeps it in its settings
        os.environ[f"YINXIN_LISTEN__{name.upper()}"] = str(value)
    try:
        if not no_serve:
            listen_on = load_settings(folder).listen if folder.exists() else Listen()
            check_port(host or listen_on.host, port or listen_on.port)  # better now than after everything is made
        made = prepare_demo(folder, {"listen": listen} if listen else None, is_small=is_small)
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json(write_demo(made))
    else:
        _print_demo(made)
    if not no_serve:
        _serve(Path(made.dir))


def _print_demo(made: Demo) -> None:
    """What there is, what to try at the command line, and at the end, where it is seen last, what to open in a browser and as whom."""
    verify = f"yinxin verify --trust {made.trust}"
    for line in (
        say("Demonstration deployment (no legal effect):", "演示部署（不具有法律效力）：") + f" {made.dir}",
        say("  sealed document   ", "  已盖章文件        ") + made.sealed_pdf,
        say("  forged copy       ", "  伪造副本          ") + made.forged_pdf,
        say("  original          ", "  原始文件          ") + made.original_pdf,
        say("  licence           ", "  电子证照          ") + f"{made.licence_pdf} {made.licence_ofd}",
        say("  revoked licence   ", "  已吊销证照        ") + made.revoked_licence_pdf,
        *([say("  expired licence   ", "  已过期证照        ") + made.expired_licence_pdf] if made.expired_licence_pdf else []),
        say("  seal              ", "  印章              ") + made.seal_id,
        say("  client id         ", "  应用标识          ") + made.client_id,
        say("  client secret     ", "  应用密钥          ") + made.client_secret,
        say("  relying party     ", "  接入系统          ") + f"{made.rp_client_id} {made.rp_client_secret} {made.rp_redirect_uri}",
        say("  simulated upstream ", "  上游模拟器        ") + made.upstream_simulator_url,
        say("  offline verifier  ", "  离线验证器        ") + f"{made.offline_verifier} {made.trust_bundle}",
        say("Try it:", "试一试："),
        f"  {verify} {made.sealed_pdf}",
        f"  {verify} {made.forged_pdf}",
        f"  {verify} {made.licence_pdf}",
        f"  {verify} {made.revoked_licence_pdf}",
        say(f"API reference: {made.base_url}/docs", f"接口文档：{made.base_url}/docs"),
        "",
        say("Accounts of this demonstration alone:", "演示账户（仅限本演示）："),
        f"  {made.demo_user:<15} {made.demo_password:<21} "
        + say("citizen, acts for an organisation too", "公民（证照持有人，兼单位经办人）"),
        *(_account_line(each) for each in made.accounts),
    ):
        print_line(line)
    if any(each.totp_secret for each in made.accounts):
        hint = f"yinxin demo --dir {made.dir} --code LOGIN"
        print_line(say(f"  * also asks a one-time code: {hint}", f"  * 还需动态口令，查看：{hint}"))
    for line in (
        "",
        say("Open in a browser:", "在浏览器中打开："),
        say("  console              ", "  管理台              ") + made.console_url,
        say("  a sealed licence     ", "  验证已盖章证照      ") + _sample_url(made, made.licence_pdf),
        say("  now try to forge it  ", "  试试伪造副本        ") + _sample_url(made, made.forged_pdf),
    ):
        print_line(line)


def _sample_url(made: Demo, path: str) -> str:
    """The verification page, looking at one of the demonstration's files."""
    from yinxin.demo.prepare import SAMPLE

    return made.verify_url + SAMPLE + Path(path).name


def _account_line(person: DemoPerson) -> str:
    star = "*" if person.totp_secret else ""
    return f"  {person.login + star:<15} {person.password:<21} " + say(person.title_en, person.title_zh)


def _print_code(folder: Path, login: str) -> None:
    """The present one-time code of an administrator; of a demonstration only."""
    from service_kit.clock import SystemClock
    from yinxin.demo import people
    from yinxin.deployment import open_deployment

    try:
        check_folder(folder)
        if not open_deployment(folder).settings.demo:
            raise TrustError(Kind.UNACCEPTABLE, "DEMO_FOLDER_TAKEN", dir=str(folder))
        print_line(people.present_code(folder / people.FILE, login, SystemClock().now()))
    except TrustError as error:
        raise fail(error) from None


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
