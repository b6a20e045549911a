"""``yinxin seal``: seal files with a seal of the deployment in a folder, through the same action as over HTTP, also while it is served."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - Typer reads the annotations when the command is called
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seal_service.places import Edge, Place, Seam
from standards.errors import Kind, TrustError
from yinxin.commands.console import (
    DIR_HELP,
    EXIT_FAILED,
    EXIT_USAGE,
    JSON_HELP,
    check_folder,
    explain,
    fail,
    operator,
    print_json,
    print_line,
    say,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from yinxin.commands.seal_files import Outcome


class UnusablePathError(Exception):
    """A path or a place that cannot be used; the text goes to the reader as it is, exit status 64."""


def plan_outputs(files: Sequence[Path], out: Path) -> list[tuple[Path, Path]]:
    """(document, where its sealed copy goes) for each. One file goes to ``out`` itself, unless that is a folder; several need a folder.

    Raises UnusablePathError where a document would be overwritten or two results would meet.
    """
    is_folder = len(files) > 1 or out.is_dir()
    if len(files) > 1 and out.exists() and not out.is_dir():
        raise UnusablePathError(f"--out {out}: several files need a folder")
    plan = [(file, out / file.name if is_folder else out) for file in files]
    taken: set[Path] = set()
    for file, target in plan:
        if target in taken:
            raise UnusablePathError(f"{file}: another file has the same name, and both would go to {target}")
        taken.add(target)
        if target.exists() and file.exists() and target.samefile(file):
            raise UnusablePathError(f"{file}: --out would overwrite the document itself")
    return plan


def read_place(text: str) -> Place:
    """A place as it is typed. Raises UnusablePathError where it is none."""
    try:
        page, *numbers = text.split(",")
        x_mm, y_mm, *width = map(float, numbers)
        return Place(int(page), x_mm, y_mm, *width)
    except (TypeError, ValueError):
        raise UnusablePathError(f"--place {text}: PAGE,X,Y or PAGE,X,Y,WIDTH, lengths in millimetres") from None


def seal(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="PDF or OFD documents. PDF 或 OFD 文件。")],
    *,
    folder: Annotated[Path, typer.Option("--dir", help=DIR_HELP)],
    seal_id: Annotated[str, typer.Option("--seal", metavar="ID", help="The seal. 印章标识。")],
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="Where the sealed file goes; for several a folder. 输出文件或目录。")],
    page: Annotated[int | None, typer.Option(help="Page, from 1; -1 is the last. 页码，-1 为末页。")] = None,
    x_mm: Annotated[float | None, typer.Option(help="Centre of the seal from the left edge, mm. 印章中心距左边（毫米）。")] = None,
    y_mm: Annotated[float | None, typer.Option(help="Centre of the seal from the lower edge, mm. 印章中心距下边（毫米）。")] = None,
    keyword: Annotated[str | None, typer.Option(metavar="TEXT", help="Put the seal on this text instead. 按关键字定位。")] = None,
    width_mm: Annotated[float | None, typer.Option(help="Width; without it the seal's own. 宽度（毫米）。")] = None,
    pages: Annotated[str | None, typer.Option(help="The same place on several pages: all, odd, even, 1,3-5. 多页同一位置。")] = None,
    places: Annotated[
        list[str] | None, typer.Option("--place", metavar="PAGE,X,Y[,WIDTH]", help="One of several places, mm. 多处盖章（毫米）。")
    ] = None,
    seam: Annotated[Edge | None, typer.Option(help="Riding seam along this edge. 骑缝章所在的边。")] = None,
    seam_pages: Annotated[str, typer.Option(metavar="RULE", help="Pages of the riding seam. 骑缝章页码。")] = "all",
    seam_offset_mm: Annotated[float | None, typer.Option(help="Centre of the seam along its edge, mm. 骑缝章沿边位置（毫米）。")] = None,
    pages_per_seal: Annotated[int | None, typer.Option(min=2, help="Pages that share one riding seal. 每个骑缝章跨越的页数。")] = None,
    occurrence: Annotated[
        int, typer.Option(min=-1, help="Which occurrence of the keyword; 0 all, -1 the last. 第几处关键字，0 为全部。")
    ] = 1,
    field: Annotated[str | None, typer.Option(metavar="NAME", help="Prepared signature field to fill. 预留签名域名称。")] = None,
    opacity: Annotated[float, typer.Option(min=0.1, max=1, help="Of the ink. 印迹不透明度。")] = 1.0,
    certify: Annotated[int | None, typer.Option(min=1, max=3, help="Certify: 1 no changes, 2 filling, 3 notes. 认证级别。")] = None,
    level: Annotated[str | None, typer.Option(metavar="B-B|B-T|B-LT|B-LTA", help="PAdES level. 签名级别。")] = None,
    batch: Annotated[
        str | None, typer.Option(metavar="NAME", help="The same name again goes on where it stopped. 批次名称，可中断后继续。")
    ] = None,
    remote: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="The key is with its owner: lay out in this folder what his device has to sign, and go on with the signatures found there. "
            "密钥由用章人保管时，在该目录存放待签数据并读取签名值。",
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a report: .json or .csv. 结果报告。")] = None,
    lock: Annotated[bool, typer.Option("--lock", help="Nobody may sign after this seal. 锁定文件，不允许再签。")] = False,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Form of the signature; of a PDF pades+ses, pades or ses, of an OFD seal, sign or integrity. 签章形式。"
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why it is sealed. 用章事由。")] = None,
    location: Annotated[str | None, typer.Option(help="Where. 地点。")] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Seal documents; without a place the seal is invisible. Exit status 1 where one could not be sealed. 为文件盖章。"""
    from seal_service.actions.record_use import User
    from seal_service.actions.seal_order import LEVELS, SealOrder
    from service_kit.durable_files import write_durably
    from yinxin.commands.seal_files import open_house_of, seal_files, write_report
    from yinxin.commands.seal_remotely import seal_remotely

    try:
        several = tuple(map(read_place, places or ()))
        plan = plan_outputs(files, out)
        check_folder(folder)
        if level is not None and level not in LEVELS:
            raise UnusablePathError(f"--level {level}: {', '.join(LEVELS)}")
        if remote is not None and batch is not None:
            raise UnusablePathError("--batch is not for --remote, which goes on by its folder")
        house = open_house_of(folder)
    except UnusablePathError as error:
        typer.echo(f"yinxin seal: {error}", err=True)
        raise typer.Exit(EXIT_USAGE) from None
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    order = SealOrder(
        b"",
        page=page,
        x_mm=x_mm,
        y_mm=y_mm,
        keyword=keyword,
        width_mm=width_mm,
        reason=reason,
        location=location,
        pages=pages,
        places=several,
        seam=None if seam is None else Seam(seam, seam_pages, seam_offset_mm, None, pages_per_seal),
        occurrence=occurrence,
        field=field,
        opacity=opacity,
        certify=certify,
        level=level,
        is_locking=lock,
        profile=profile,
    )
    actor = operator()
    user = User(actor.partition(":")[2], actor, is_operator=True)
    status = 0
    outcomes: list[Outcome] = []
    try:
        if len(plan) > 1:
            out.mkdir(parents=True, exist_ok=True)
        if remote is None:
            sealing = seal_files(house, user, seal_id, order, plan, batch=batch)
        else:
            remote.mkdir(parents=True, exist_ok=True)
            sealing = seal_remotely(house, user, seal_id, order, plan, remote)
        is_watched = len(plan) > 1 and not as_json and sys.stderr.isatty()
        for outcome in _with_progress(sealing, len(plan), is_shown=is_watched):
            outcomes.append(outcome)
            status = max(status, _status(outcome))
            if not as_json:
                _tell(outcome)
    finally:
        house.close()
        if report is not None:
            write_durably(report, write_report(outcomes, report.suffix), mode=0o644)
    if as_json:
        by_file = {each.file: each for each in outcomes}
        print_json({"files": [_answer(by_file[str(file)]) for file, _ in plan if str(file) in by_file]})  # in the order they were named
    raise typer.Exit(status)


def _status(outcome: Outcome) -> int:
    if outcome.error is None:
        return 0
    is_usage = isinstance(outcome.error, OSError) or outcome.error.kind is Kind.NOT_FOUND
    return EXIT_USAGE if is_usage else EXIT_FAILED


def _tell(outcome: Outcome) -> None:
    error = outcome.error
    if outcome.awaits is not None:
        print_line(_say_awaited(outcome.file, outcome.awaits))
    elif error is None:
        warnings = f"  ({', '.join(outcome.warnings)})" if outcome.warnings else ""
        print_line(f"{outcome.file} -> {outcome.sealed}  {outcome.seal_use}{warnings}")
    elif isinstance(error, TrustError):
        typer.echo(f"yinxin seal: {outcome.file}: {explain(error)}", err=True)
    else:
        typer.echo(f"yinxin seal: {outcome.file}: {error.strerror} ({error.filename}){_say_used(outcome.seal_use)}", err=True)


def _say_used(use_id: str | None) -> str:
    """That the seal was used though there is no file."""
    if use_id is None:
        return ""
    return say(f"; the seal was used ({use_id}), the result is on record", f"；印章已使用（{use_id}），结果已存档")


def _say_awaited(file: str, awaits: dict[str, Any]) -> str:
    digest, to_be_signed, signature, until = (awaits[name] for name in ("digest", "to_be_signed", "signature", "expires_at"))
    return say(
        f"{file}: sign {to_be_signed} with SM2 (e = {digest}), put r, s or the DER into {signature} and run this again before {until}",
        f"{file}：请用 SM2 对 {to_be_signed} 签名（e = {digest}），将签名值（r‖s 或 DER）存为 {signature}，并于 {until} 前再次运行本命令",
    )


def _answer(outcome: Outcome) -> dict[str, Any]:
    if outcome.error is not None:
        return {"file": outcome.file, "error": {"code": outcome.code, "facts": outcome.facts}}
    if outcome.awaits is not None:
        return {"file": outcome.file, "awaits": outcome.awaits}
    answer = {"file": outcome.file, "sealed": outcome.sealed, "seal_use": outcome.seal_use, "audit_entry": outcome.audit_entry}
    return answer | ({"warnings": list(outcome.warnings)} if outcome.warnings else {})


def _with_progress(outcomes: Iterator[Outcome], total: int, *, is_shown: bool) -> Iterator[Outcome]:
    """The outcomes one by one, with a progress bar on standard error where a person is watching."""
    if not is_shown:
        yield from outcomes
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(outcomes, total=total, description="yinxin seal", console=Console(stderr=True))
