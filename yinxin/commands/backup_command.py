"""``yinxin backup``: a deployment in one file, checked, and put back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from standards.errors import Kind, TrustError
from yinxin.commands.console import DIR_HELP, EXIT_FAILED, JSON_HELP, check_folder, explain, fail, print_json, print_line, say

if TYPE_CHECKING:
    from yinxin.backup import Backup

app: Final = typer.Typer(no_args_is_help=True, help="Backups of a deployment. 备份与恢复。")

AsJson = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="A backup. 备份文件。")]


@app.command("make")
def make(
    *,
    folder: Annotated[Path, typer.Option("--dir", help=DIR_HELP)],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it; not there yet. 备份文件，须尚不存在。")],
    as_json: AsJson = False,
) -> None:
    """Write a deployment into one file while it is served. The master key is not in it: keep that apart. 备份（不含主密钥，须另行保管）。"""
    from service_kit.settings import load_settings
    from yinxin.backup import check_backup, make_backup

    try:
        check_folder(folder)
        make_backup(load_settings(folder), out.absolute(), datetime.now(UTC))
        backup = check_backup(out)  # as it lies on the disk now
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    _tell(backup, out, as_json=as_json)
    if not backup.has_database and not as_json:
        print_line(
            say(
                "The database is elsewhere and not in it: dump it too, with the service stopped.",
                "数据库在别处，不在备份中：请在停止服务后另行导出。",
            )
        )


@app.command("check")
def check(file: BackupFile, *, as_json: AsJson = False) -> None:
    """Say whether a backup is whole, byte by byte, and has every document that the database in it names. 检查备份是否完整。"""
    from yinxin.backup import check_backup

    try:
        backup = check_backup(file)
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    _tell(backup, file, as_json=as_json)
    if backup.missed:
        raise typer.Exit(EXIT_FAILED)


@app.command("restore")
def restore(file: BackupFile, *, folder: Annotated[Path, typer.Option("--dir", help=DIR_HELP)], as_json: AsJson = False) -> None:
    """Put a backup into an empty folder. Put the master key there too, then run the doctor. 恢复到空目录（另需放回主密钥）。"""
    from yinxin.backup import database_elsewhere, restore_backup

    try:
        backup = restore_backup(file, folder)
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    _tell(backup, folder, as_json=as_json)
    elsewhere = database_elsewhere(folder) if backup.has_database else None
    if elsewhere is not None:
        typer.echo(
            say(
                f"Careful: settings.toml (or YINXIN_DATABASE_URL) names the database {elsewhere}, not the one that was restored. Take `database_url` out, or move the restored {folder / 'yinxin.sqlite3'} there, before any other command.",
                f"注意：settings.toml（或 YINXIN_DATABASE_URL）指向数据库 {elsewhere}，不是刚恢复的数据库。执行其他命令前，请去掉 `database_url`，或将 {folder / 'yinxin.sqlite3'} 移到该处。",
            ),
            err=True,
        )
    if not as_json:
        print_line(
            say(
                f"Next: put the master key in its place, then yinxin audit check --dir {folder} and yinxin doctor --dir {folder}",
                f"下一步：放回主密钥，再运行 yinxin audit check --dir {folder} 和 yinxin doctor --dir {folder}",
            )
        )


def _tell(backup: Backup, path: Path, *, as_json: bool) -> None:
    if backup.missed:  # told, and no failure of making or restoring it: less would be lost with it than without
        missing = TrustError(Kind.NOT_FOUND, "BACKUP_INCOMPLETE", missing=len(backup.missed), name=backup.missed[0])
        typer.echo(f"yinxin: {explain(missing)}", err=True)
    if as_json:
        number = None if backup.missing is None else len(backup.missing)
        facts = {
            "made_at": backup.made_at,
            "program": backup.program,
            "has_database": backup.has_database,
            "missing": number,
            "lost": len(backup.lost),
        }
        print_json({"path": str(path), "files": len(backup.files), "bytes": backup.bytes_count, **facts})
        return
    print_line(
        say(
            f"{path}: {len(backup.files)} files, {backup.bytes_count} bytes, of {backup.made_at}",
            f"{path}：{len(backup.files)} 个文件，{backup.bytes_count} 字节，备份于 {backup.made_at}",
        )
    )
    if backup.missing is None:  # a database that is elsewhere, or a backup of a program that did not look
        print_line(
            say(
                "Whether every document that its database names is in it was not looked at.",
                "未核对其数据库所列文件是否齐全。",
            )
        )
    if backup.lost:
        print_line(
            say(
                f"{len(backup.lost)} documents are not in it that are on record as lost.",
                f"其中不含已登记灭失的 {len(backup.lost)} 份文件。",
            )
        )
