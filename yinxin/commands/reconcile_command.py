"""``yinxin licence reconcile``: has the region what was reported to it? And ``simulate-region``: a region to try it with."""

from __future__ import annotations

import threading
from pathlib import Path  # noqa: TC003 - Typer reads the annotations when the command is called
from typing import TYPE_CHECKING, Annotated

import typer

from standards.errors import TrustError
from yinxin.commands.console import DIR_HELP, EXIT_FAILED, JSON_HELP, check_folder, fail, operator, print_json, print_line, print_table, say

if TYPE_CHECKING:
    from licence_vault.actions.reconcile_reports import Reconciliation


def reconcile(
    *,
    folder: Annotated[Path, typer.Option("--dir", help=DIR_HELP)],
    repair: Annotated[bool, typer.Option("--repair", help="Send again what is missing or altered. 补报缺失或不一致的记录。")] = False,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Compare with the region what it has of our reports. Exit status 1 for a difference. 与区域归集平台对账。"""
    from licence_vault.actions.reconcile_reports import reconcile_reports
    from licence_vault.api.report_routes import write_reconciliation
    from licence_vault.log.instance import open_licence_log
    from licence_vault.report_errors import collector_missing
    from licence_vault.service import means_of, report_desk_of
    from yinxin.assembly import open_house
    from yinxin.deployment import open_deployment

    try:
        check_folder(folder)
        house = open_house(open_deployment(folder))
        try:
            desk = report_desk_of(means_of(house.context, open_licence_log(house.context)))
            if desk is None:
                raise collector_missing()
            done = reconcile_reports(desk, actor=operator(), is_repairing=repair)
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json(write_reconciliation(done).model_dump(mode="json"))
    else:
        _show(done)
    if done.findings:
        raise typer.Exit(EXIT_FAILED)


def _show(done: Reconciliation) -> None:
    requests, size = done.requests, done.size
    if not done.findings:
        print_line(
            say(
                f"{size} entries of the log, the types and the erasures compared in {requests} requests: no difference.",
                f"已比对 {size} 条日志、证照类型和删除通知（{requests} 次请求）：一致。",
            )
        )
        _show_unsent(done)
        return
    headings = (say("Entry", "日志序号"), say("Finding", "差异"), say("Report", "上报编号"), say("State", "状态"))
    rows = [
        (
            "-" if each.log_index is None else str(each.log_index),
            each.kind.value,
            *(("-", "-") if each.report is None else (str(each.report.number), each.report.state.value)),
        )
        for each in done.findings
    ]
    print_table(headings, rows)
    print_line(say(f"{requests} requests; {done.repaired} on their way again.", f"共 {requests} 次请求，补报 {done.repaired} 条。"))
    _show_unsent(done)
    if not done.is_complete:
        print_line(say("There is more: reconcile once more.", "仍有未列出的差异，请再次对账。"))


def _show_unsent(done: Reconciliation) -> None:
    """What the region does not have yet is no difference to what it gave receipts for."""
    if done.waiting or done.dead:
        print_line(
            say(
                f"Not told yet: {done.waiting} reports wait, {done.dead} were given up.",
                f"尚未上报成功：等待 {done.waiting} 条，已放弃 {done.dead} 条。",
            )
        )


def simulate_region(
    *,
    folder: Annotated[Path, typer.Option("--dir", help=DIR_HELP)],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="On loopback; 0 for a free one. 本机端口。")] = 8690,
    wrong: Annotated[
        list[str] | None,
        typer.Option(
            "--wrong",
            help="What it does wrong: drop or alter (reports alone), forget (to answer anything). 模拟的错误：丢弃、篡改（仅对报送）或不应答。",
        ),
    ] = None,
    only: Annotated[
        int | None, typer.Option("--only", min=1, help="Only with this report, in the order they come. 仅对第几条报送出错。")
    ] = None,
    shares: Annotated[
        Path | None,
        typer.Option(
            "--shares",
            metavar="FOLDER",
            help="Licences of another region that it shares (PDF, OFD), with their status lists (.jwt). 共享的其他地区证照及状态列表。",
        ),
    ] = None,
) -> None:
    """Serve a simulated region for a demonstration until it is stopped; it keeps nothing. No legal effect. 运行模拟区域平台（仅供演示）。"""
    from yinxin.region_simulator import open_simulator, served_simulator

    try:
        check_folder(folder)
        simulator = open_simulator(folder, wrong or [], only, shares)
    except TrustError as error:
        raise fail(error) from None
    try:
        with served_simulator(simulator, port):
            print_line(say("A simulated region, without legal effect. Settings of the deployment:", "模拟区域平台，无法律效力。部署设置："))
            for section in ("collector", *([] if shares is None else ["exchange"])):
                print_line(f'[{section}]\nurl = "{simulator.url}"\nnetworks = ["127.0.0.0/8"]')
            wait_until_stopped()
    except OSError as error:
        typer.echo(f"yinxin licence: {error.strerror}", err=True)
        raise typer.Exit(EXIT_FAILED) from None
    except KeyboardInterrupt:
        return


def wait_until_stopped() -> None:
    """For ever; Ctrl-C and SIGTERM end it."""
    threading.Event().wait()
