"""``yinxin account follow``: directories whose changes come here by themselves."""

from __future__ import annotations

import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from standards.errors import Kind, TrustError
from yinxin.commands.console import DIR_HELP, EXIT_FAILED, JSON_HELP, check_folder, fail, operator, print_json, print_line, print_table, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from idp.actions.follow_desk import FollowDesk
    from idp.actions.follow_directory import Followed

app: Final = typer.Typer(no_args_is_help=True, help="Directories that this one follows. 跟随其他目录。")

Folder = Annotated[Path, typer.Option("--dir", help=DIR_HELP)]
AsJson = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
Code = Annotated[str, typer.Argument(metavar="CODE", help="The source's code. 来源代码。")]


@contextmanager
def _desk(folder: Path) -> Iterator[FollowDesk]:
    import idp.service
    from yinxin.assembly import open_house
    from yinxin.deployment import open_deployment

    check_folder(folder)
    house = open_house(open_deployment(folder))
    people = idp.service.people_desk(house.context)
    try:
        yield idp.service.follow_desk(house.context, people)
    finally:
        people.pool.close()
        house.close()


@app.command("add")
def add(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The source as TOML (docs/reference/directory.md). 来源描述文件。")],
    folder: Folder,
    secret_file: Annotated[Path | None, typer.Option("--secret-file", help="File with the client's secret. 客户端密钥文件。")] = None,
    as_json: AsJson = False,
) -> None:
    """Follow a directory from now on. 开始跟随一个目录。"""
    from idp.actions.follow_desk import add_source
    from idp.actions.source_status import view_source
    from idp.model.follow import read_source

    try:
        stated = _read(file)
        if secret_file is not None:
            stated["client_secret"] = _text(secret_file).strip()
        source = read_source(stated)
        with _desk(folder) as desk:
            add_source(desk, source, actor=operator())
            view = view_source(desk, source.code)
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json(view)
        return
    print_line(f"{source.code}  {source.protocol.value}  {source.base_url}")
    if view["public_jwk"] is not None:
        print_line(say("Register this key for the client at the source:", "请在来源处为该客户端登记此公钥："))
        print_json(view["public_jwk"])


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise TrustError(Kind.UNACCEPTABLE, "FILE_UNREADABLE", path=str(file)) from None


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(file))
    except tomllib.TOMLDecodeError:
        raise TrustError(Kind.UNACCEPTABLE, "SOURCE_SETTING_INVALID", setting="file") from None


@app.command("list")
def list_all(*, folder: Folder, as_json: AsJson = False) -> None:
    """The directories that are followed, and how far. 列出所跟随的目录及进度。"""
    from idp.actions.source_status import view_sources

    try:
        with _desk(folder) as desk:
            views = view_sources(desk)
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json({"sources": views})
        return
    headings = (
        say("Source", "来源"),
        say("Protocol", "协议"),
        say("Up to date", "已同步至"),
        say("Lag, s", "滞后（秒）"),
        say("Error", "错误"),
    )
    print_table(
        headings,
        [
            (each["code"], each["protocol"], each["current_at"] or "-", str(each["lag_seconds"]), each["last_error"] or "-")
            for each in views
        ],
    )


@app.command("remove")
def remove(*, code: Code, folder: Folder, as_json: AsJson = False) -> None:
    """Follow it no longer; the accounts that it brought stay. 停止跟随，已有账户保留。"""
    from idp.actions.follow_desk import remove_source

    try:
        with _desk(folder) as desk:
            remove_source(desk, code, actor=operator())
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json({"code": code, "removed": True})
    else:
        print_line(code)


@app.command("pull")
def pull(*, code: Code, folder: Folder, as_json: AsJson = False) -> None:
    """Bring here at once what it has changed; exit status 1 where a subject was refused. 立即拉取变更。"""
    done = _follow(folder, code, as_json=as_json, reconcile=False, accepts_ends=False)
    if as_json:
        print_json({"code": code, "counts": dict(done.counts)})
    else:
        print_line(f"{code}  " + _counts(done.counts))
    if done.counts.get("refused"):
        raise typer.Exit(EXIT_FAILED)


@app.command("reconcile")
def reconcile(
    *,
    code: Code,
    folder: Folder,
    accept_ends: Annotated[
        bool, typer.Option("--accept-ends", help="Disable what is gone there, however much it is. 停用来源中已不存在的账户，不限数量。")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare everything and bring here what differs; exit status 1 where a difference is left. 全量对账并补齐差异。"""
    done = _follow(folder, code, as_json=as_json, reconcile=True, accepts_ends=accept_ends)
    report = done.report or {}
    known: Mapping[str, int] = report.get("known", {})
    if as_json:
        print_json({"code": code, **report})
    else:
        rows = [(name, str(count)) for name, count in known.items()]
        print_line(f"{code}  " + _counts({name: value for name, value in report.items() if isinstance(value, int)}))
        print_table((say("Known here", "本地状态"), say("Subjects", "数量")), rows)
    if report.get("missing_there") or any(name.startswith("refused") for name in known):
        raise typer.Exit(EXIT_FAILED)


def _follow(folder: Path, code: str, *, as_json: bool, reconcile: bool, accepts_ends: bool) -> Followed:
    from idp.actions.follow_directory import follow_source

    try:
        with _desk(folder) as desk:
            return follow_source(desk, code, reconcile=reconcile, accepts_ends=accepts_ends)
    except TrustError as error:
        raise fail(error, as_json=as_json) from None


def _counts(counts: Mapping[str, int]) -> str:
    return "  ".join(f"{name} {count}" for name, count in sorted(counts.items())) or say("nothing new", "没有新变更")
