"""``yinxin doctor``: what is well, what is not, and how to mend it."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations when the command is called
from typing import Annotated

import typer

from yinxin.commands.console import DIR_HELP, EXIT_FAILED, JSON_HELP, print_json, print_table, say
from yinxin.commands.reader_language import language_of_reader


def doctor(
    *,
    folder: Annotated[Path | None, typer.Option("--dir", help=DIR_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Examine this machine and, with --dir, a deployment. Exit status 1 where something does not work. 检查环境与部署。"""
    from yinxin.doctor import Status, examine
    from yinxin.links import load_catalogue

    load_catalogue()
    findings = examine(folder, language_of_reader())
    is_well = all(finding.status is not Status.FAIL for finding in findings)
    if as_json:
        rows = [{"name": each.name, "status": each.status.value, "message": each.message, "remedy": each.remedy} for each in findings]
        print_json({"ok": is_well, "findings": rows})
    else:
        icons = {Status.OK: "✔", Status.WARN: "!", Status.FAIL: "✘"}
        words = {Status.OK: say("ok", "正常"), Status.WARN: say("look", "注意"), Status.FAIL: say("fails", "异常")}
        headings = (say("Check", "检查项"), say("Status", "状态"), say("Message", "说明"), say("How to fix", "处理办法"))
        rows_shown = [
            (each.name, f"{icons[each.status]} {words[each.status]}", each.message, each.remedy.replace("{DIR}", str(folder)))
            for each in findings
        ]
        print_table(headings, rows_shown)
    if not is_well:
        raise typer.Exit(EXIT_FAILED)
