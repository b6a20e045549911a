"""``yinxin witness``: watch the logs of others, and cosign what extends them."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations when the command is called
from typing import TYPE_CHECKING, Annotated, Final

import typer

from standards.errors import TrustError
from yinxin.commands.console import JSON_HELP, fail, fail_start, print_json, print_line, say

if TYPE_CHECKING:
    from crypto.checkpoints import LogIdentity
    from yinxin.witness import WitnessFolder

WITNESS_DIR_HELP: Final = "Folder of the witness. 见证方目录。"
app: Final = typer.Typer(no_args_is_help=True, help="Witness the logs of others. 见证他方日志。")


@app.callback()
def witness() -> None:
    """Witness the logs of others: remember their newest checkpoint and cosign what extends it. 见证他方日志。"""


def _show(opened: WitnessFolder, *, as_json: bool) -> None:
    from standards.c2sp_signed_note import read_note
    from standards.c2sp_tlog_checkpoint import read_checkpoint

    def size_of(log: LogIdentity) -> int | None:
        note = opened.witness.latest(log.origin)
        return None if note is None else read_checkpoint(read_note(note).text).size

    keys = [cosigner.key.to_text() for cosigner in opened.cosigners]
    logs = [{"origin": log.origin, "size": size_of(log), "evidence": len(opened.witness.evidence_of(log.origin))} for log in opened.logs]
    if as_json:
        print_json({"name": opened.name, "keys": keys, "logs": logs})
        return
    print_line(say(f"Witness {opened.name}. Give these keys to the logs:", f"见证方 {opened.name}，请将下列密钥交给日志方："))
    for key in keys:
        print_line(f"  {key}")
    for log in logs:
        size = log["size"]
        seen_en, seen_zh = ("nothing seen of it yet", "尚未收到检查点") if size is None else (f"size {size}", f"大小 {size}")
        print_line(say(f"Watches {log['origin']}, {seen_en}", f"监视 {log['origin']}，{seen_zh}"))
        if log["evidence"]:
            print_line(
                say(
                    f"  It showed two histories: {log['evidence']} times kept in state/evidence",
                    f"  该日志出示过两种历史：state/evidence 中存有 {log['evidence']} 份证据",
                )
            )


@app.command("init")
def init(
    *,
    folder: Annotated[Path, typer.Option("--dir", help=WITNESS_DIR_HELP)],
    name: Annotated[str, typer.Option(help="Its name: an address without scheme. 名称（不含协议的地址）。")],
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Make a witness with keys of its own. 创建见证方。"""
    from yinxin.witness import make_witness

    try:
        _show(make_witness(folder, name), as_json=as_json)
    except TrustError as error:
        raise fail(error, as_json=as_json) from None


@app.command("watch")
def watch(
    keys: Annotated[list[str], typer.Argument(help="Keys of one tree of a log, as it hands them out. 日志中同一棵树公布的密钥。")],
    *,
    folder: Annotated[Path, typer.Option("--dir", help=WITNESS_DIR_HELP)],
    digest: Annotated[
        str | None,
        typer.Option(
            help="sm3 or sha256; by default as before, and of a new log as the key signs. 摘要算法，默认沿用原值，新日志按密钥确定。"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Watch a further tree of a log, or go by new keys of one. Takes effect when the witness is started again. 登记日志。"""
    from crypto.checkpoints import LogVerifierKey
    from yinxin.witness import DIGESTS, open_witness, watch_log

    if digest not in {None, *DIGESTS}:
        raise typer.BadParameter(say("sm3 or sha256", "应为 sm3 或 sha256"), param_hint="--digest")
    try:
        watch_log(folder, [LogVerifierKey.from_text(key) for key in keys], digest)
        _show(open_witness(folder), as_json=as_json)
    except TrustError as error:
        raise fail(error, as_json=as_json) from None


@app.command("show")
def show(
    *,
    folder: Annotated[Path, typer.Option("--dir", help=WITNESS_DIR_HELP)],
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Its keys, the logs it watches, and how large it knows them to be. 显示密钥与所监视的日志。"""
    from yinxin.witness import open_witness

    try:
        _show(open_witness(folder), as_json=as_json)
    except TrustError as error:
        raise fail(error, as_json=as_json) from None


@app.command("serve")
def serve(
    *,
    folder: Annotated[Path, typer.Option("--dir", help=WITNESS_DIR_HELP)],
    host: Annotated[str, typer.Option(help="Address to listen on. 监听地址。")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port. 端口。")] = 8610,
) -> None:
    """Answer add-checkpoint until SIGTERM or Ctrl-C. Logs go to standard error, one JSON object a line. 启动见证服务。"""
    import uvicorn

    from service_kit.structured_logs import start_logging
    from yinxin.listening import check_port
    from yinxin.witness import open_witness, witness_application

    try:
        opened = open_witness(folder)
        check_port(host, port)
    except TrustError as error:
        raise fail_start(error) from None
    start_logging()
    typer.echo(say(f"Witness {opened.name} on http://{host}:{port}", f"见证方 {opened.name} 服务于 http://{host}:{port}"), err=True)
    uvicorn.run(
        witness_application(opened.witness),
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
    )
