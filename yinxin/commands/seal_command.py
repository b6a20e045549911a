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
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from seal_service.actions.seal_order import SealOrder
    from yinxin.assembly import House


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
    lock: Annotated[bool, typer.Option("--lock", help="Nobody may sign after this seal. 锁定文件，不允许再签。")] = False,
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="Form of the signature; of a PDF pades+ses, pades or ses. 签章形式。")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why it is sealed. 用章事由。")] = None,
    location: Annotated[str | None, typer.Option(help="Where. 地点。")] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Seal documents; without a place the seal is invisible. Exit status 1 where one could not be sealed. 为文件盖章。"""
    from seal_service.actions.seal_order import SealOrder

    try:
        several = tuple(map(read_place, places or ()))
        plan = plan_outputs(files, out)
        check_folder(folder)
        house = _open(folder)
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
        seam=None if seam is None else Seam(seam, seam_pages),
        is_locking=lock,
        profile=profile,
    )
    status = 0
    answers: list[dict[str, Any]] = []
    try:
        if len(plan) > 1:
            out.mkdir(parents=True, exist_ok=True)
        for file, target in _with_progress(plan, is_shown=len(plan) > 1 and not as_json and sys.stderr.isatty()):
            try:
                answers.append(_seal_one(house, seal_id, order, file, target))
            except TrustError as error:
                answers.append({"file": str(file), "error": {"code": error.code, "facts": error.facts}})
                status = max(status, EXIT_USAGE if error.kind is Kind.NOT_FOUND else EXIT_FAILED)
                if not as_json:
                    typer.echo(f"yinxin seal: {file}: {explain(error)}", err=True)
            except OSError as error:
                answers.append({"file": str(file), "error": {"code": "PATH_UNUSABLE", "facts": {"reason": error.strerror}}})
                status = EXIT_USAGE
                if not as_json:
                    typer.echo(f"yinxin seal: {file}: {error.strerror} ({error.filename})", err=True)
            else:
                if not as_json:
                    print_line(f"{file} -> {target}  {answers[-1]['seal_use']}")
    finally:
        _close(house)
    if as_json:
        print_json({"files": answers})
    raise typer.Exit(status)


def _open(folder: Path) -> House:
    from yinxin.assembly import open_house
    from yinxin.deployment import open_deployment

    return open_house(open_deployment(folder))


def _close(house: House) -> None:
    from service_kit.process_marks import FOLDER_NAME, release_mark

    release_mark(house.context.settings.dir / FOLDER_NAME, house.context.audit.writer_id)
    house.close()


def _seal_one(house: House, seal_id: str, order: SealOrder, file: Path, target: Path) -> dict[str, Any]:
    from dataclasses import replace

    from seal_service.actions.record_use import User
    from seal_service.actions.seal_document import seal_document
    from seal_service.limits import DOCUMENT_BYTES
    from service_kit.durable_files import write_durably

    with file.open("rb") as source:
        document = source.read(DOCUMENT_BYTES + 1)
    if len(document) > DOCUMENT_BYTES:
        raise TrustError(Kind.TOO_LARGE, "FILE_TOO_LARGE", limit_bytes=DOCUMENT_BYTES)
    if not target.parent.is_dir():  # asked before the seal is used: its result must have somewhere to go
        raise FileNotFoundError(2, "No such folder", str(target.parent))
    actor = operator()
    sealed = seal_document(
        house.context, User(actor.partition(":")[2], actor, is_operator=True), seal_id, replace(order, document=document)
    )
    write_durably(target, sealed.content, mode=0o644)
    return {"file": str(file), "sealed": str(target), "seal_use": sealed.use_id, "audit_entry": sealed.audit_id}


def _with_progress(plan: list[tuple[Path, Path]], *, is_shown: bool) -> Iterator[tuple[Path, Path]]:
    """The plan, item by item, with a progress bar on standard error where a person is watching."""
    if not is_shown:
        yield from plan
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(plan, description="yinxin seal", console=Console(stderr=True))
