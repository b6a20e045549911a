"""``yinxin audit``: are the trail and the public log of licences whole?"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations when the command is called
from typing import Annotated, Final

import typer

from standards.errors import TrustError
from yinxin.commands.console import (
    DIR_HELP,
    EXIT_FAILED,
    JSON_HELP,
    check_folder,
    fail,
    opened_context,
    operator,
    print_json,
    print_line,
    print_table,
    say,
)

app: Final = typer.Typer(no_args_is_help=True, help="The audit trail. 审计记录。")


@app.callback()
def audit() -> None:
    """The audit trail. 审计记录。"""


@app.command("remake-files")
def remake_files(
    *,
    folder: Annotated[Path, typer.Option("--dir", help=DIR_HELP)],
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Make lost or damaged tiles and bundles of the logs again from the database, which must be what was published. 由数据库重建丢失或损坏的日志文件。"""
    from licence_vault.log.instance import FOLDER as LICENCES
    from licence_vault.log.instance import open_licence_log
    from service_kit.log_remake import remake_files as remake
    from yinxin.assembly import open_house
    from yinxin.deployment import LOG, open_deployment

    try:
        check_folder(folder)
        house = open_house(open_deployment(folder))
        try:
            logs = {LOG: house.context.log, LICENCES: open_licence_log(house.context)}
            made = [f"{name}/{file}" for name, log in logs.items() for file in remake(log)]
            if made:
                house.context.database.write(
                    lambda connection: house.context.audit.record(
                        connection,
                        at=house.clock.now(),
                        actor=operator(),
                        action="log.files-remade",
                        subject="logs",
                        outcome="done",
                        facts={"files": len(made), "first": made[0]},
                    )
                )
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json({"files": made})
        return
    for name in made:
        print_line(name)
    print_line(say(f"{len(made)} files made again.", f"已重建 {len(made)} 个文件。"))


@app.command("check")
def check(
    *,
    folder: Annotated[Path, typer.Option("--dir", help=DIR_HELP)],
    are_documents_read: Annotated[
        bool, typer.Option("--documents", help="Read every document too: is it as it was stored? 同时读取全部文件，核对内容。")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Read every entry and every tile, of the licence log too, look whether every document is there, and say what does not hold. Exit status 1 for a finding. 核查记录的完整性及文件是否齐全。"""
    from yinxin.assembly import open_house
    from yinxin.deployment import AUDIT_MAC_KEY, open_deployment
    from yinxin.record_check import check_records

    try:
        check_folder(folder)
        house = open_house(open_deployment(folder))
        try:
            mac_key = house.deployment.keystore.open_secret(AUDIT_MAC_KEY)
            parts = check_records(house.context, mac_key, actor=operator(), are_documents_read=are_documents_read)
            head = house.context.log.head()
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    trail, log, licences, documents = (parts[name] for name in ("trail", "log", "licences", "documents"))
    findings = [(where, each) for where, part in parts.items() for each in part.findings]
    further = sum(part.further for part in parts.values())
    if as_json:
        rows = [{"where": where, "code": each.code, "facts": each.facts} for where, each in findings]
        counts = {"entries": trail.entries, "logged": log.entries, "log_size": head.size, "licence_entries": licences.entries}
        print_json(
            {
                "ok": not findings,
                **counts,
                "documents": documents.entries,
                "documents_lost": documents.lost,
                "findings": rows,
                "further": further,
            }
        )
    elif findings:
        headings = (say("Where", "位置"), say("Finding", "问题"), say("Facts", "详情"))
        print_table(headings, [(where, each.code, ", ".join(f"{k}={v}" for k, v in each.facts.items())) for where, each in findings])
        if further:
            print_line(say(f"And {further} further ones.", f"另有 {further} 项。"))
        if documents.findings:
            print_line(
                say(
                    "Documents: put them back from a backup that has them, as docs/how-to/backup.md says, and find out who or what removed them. What no backup has: yinxin audit record-loss.",
                    "文件：请按 docs/how-to/backup.zh-CN.md 从含有这些文件的备份中恢复，并查明删除原因；任何备份中都没有的，用 yinxin audit record-loss 登记。",
                )
            )
    else:
        print_line(
            say(
                f"{trail.entries} entries, {log.entries} of them in the signed log; {licences.entries} in the licence log; {documents.entries} documents: all hold{'' if not documents.lost else f', but for {documents.lost} documents on record as lost'}.",
                f"共 {trail.entries} 条，其中 {log.entries} 条已入签名日志；证照日志 {licences.entries} 条；文件 {documents.entries} 份{'' if not documents.lost else f'（其中 {documents.lost} 份已登记灭失）'}：完整无误。",
            )
        )
    if findings:
        raise typer.Exit(EXIT_FAILED)


@app.command("record-loss")
def record_loss(
    *,
    blobs: Annotated[
        list[str],
        typer.Argument(metavar="BLOB...", help="Documents, by the `blob` that `audit check` shows. 文件，即 audit check 所示的 blob。"),
    ],
    reason: Annotated[str, typer.Option(help="What became of them; stands in the audit trail. 灭失原因，记入审计。")],
    folder: Annotated[Path, typer.Option("--dir", help=DIR_HELP)],
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Put documents on record as lost that no backup has: checks count them apart, until they are there again. 登记已灭失的文件（任何备份中都没有）。"""
    from service_kit.lost_blobs import record_losses
    from yinxin.links import blob_places

    with opened_context(folder, as_json=as_json) as context:
        places, at = blob_places(), context.clock.now()
        recorded = record_losses(context.database, context.blobs, places, context.audit, blobs, actor=operator(), reason=reason, at=at)
    if as_json:
        print_json({"recorded": recorded})
        return
    print_line(say(f"{recorded} documents put on record as lost.", f"已登记灭失 {recorded} 份文件。"))
