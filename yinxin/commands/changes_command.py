"""``yinxin changes``: what was sealed, and pictures of the pages that look different now. Needs no deployment, no trust list, no network."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations when the command is called
from typing import Annotated, Any

import typer

from standards.errors import TrustError
from yinxin.commands.console import EXIT_FAILED, JSON_HELP, fail, print_json, print_line


def changes(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A sealed PDF. 已签章的 PDF 文件。")],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the sealed revision and the pictures. 输出目录。")],
    field: Annotated[str | None, typer.Option(metavar="NAME", help="The signature; without it the last. 签名域名称。")] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Give back what was sealed and show what changed since; exit status 1 where a page looks different. 显示签章后的改动。"""
    from datetime import UTC, datetime

    from seal_service.limits import DOCUMENT_BYTES
    from seal_service.pdf.sealed_revision import compare_pages, find_sealed_revision
    from service_kit.durable_files import write_durably
    from yinxin.commands.seal_files import read_bounded

    document = read_bounded(file, DOCUMENT_BYTES)
    try:
        name, sealed = find_sealed_revision(document, datetime.now(UTC), field=field)
        found = compare_pages(sealed, document)
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    out.mkdir(parents=True, exist_ok=True)
    revision = out / "sealed-revision.pdf"
    write_durably(revision, sealed, mode=0o644)
    pages: list[dict[str, Any]] = []
    for each in found.pages:
        page: dict[str, Any] = {"page": each.page, "kind": each.kind}
        if each.difference is not None:
            page["box_mm"] = [round(number, 1) for number in each.difference.box_mm]
            for kind in ("before", "after", "mask"):
                picture = out / f"page-{each.page}-{kind}.png"
                write_durably(picture, getattr(each.difference, kind), mode=0o644)
                page[kind] = str(picture)
        pages.append(page)
    if as_json:
        print_json({"file": str(file), "signature": name, "sealed_revision": str(revision), "compared": found.compared, "pages": pages})
    else:
        print_line(f"{name} -> {revision}")
        for page in pages:
            print_line(f"  {page['kind']}: {page['page']}  {page.get('box_mm', '')}")
    raise typer.Exit(EXIT_FAILED if pages else 0)
