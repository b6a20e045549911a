"""``yinxin extend``: carry a sealed PDF on with validation data and a document time-stamp of the deployment in a folder (PAdES B-LTA)."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations when the command is called
from typing import Annotated

import typer

from standards.errors import TrustError
from yinxin.commands.console import DIR_HELP, EXIT_USAGE, JSON_HELP, check_folder, fail, operator, print_json, print_line


def extend(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A sealed PDF. 已签章的 PDF 文件。")],
    *,
    folder: Annotated[Path, typer.Option("--dir", help=DIR_HELP)],
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="Where the extended file goes. 输出文件。")],
    crls: Annotated[list[Path] | None, typer.Option("--crl", metavar="FILE", help="Revocation list (DER). 撤销列表。")] = None,
    ocsp: Annotated[list[Path] | None, typer.Option("--ocsp", metavar="FILE", help="OCSP response (DER). OCSP 响应。")] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Add what shows the certificates good today, and a document time-stamp. 追加验证数据与文档时间戳，供长期验证。"""
    from crypto.revocation import RevocationEvidence
    from seal_service.actions.extend_document import extend_document
    from seal_service.actions.record_use import User
    from seal_service.limits import DOCUMENT_BYTES
    from service_kit.durable_files import write_durably
    from yinxin.commands.seal_files import open_house_of, read_bounded

    if out.exists() and file.exists() and out.samefile(file):
        typer.echo(f"yinxin extend: {file}: --out would overwrite the document itself", err=True)
        raise typer.Exit(EXIT_USAGE)
    try:
        check_folder(folder)
        document = read_bounded(file, DOCUMENT_BYTES)
        evidence = RevocationEvidence(
            tuple(read_bounded(path, DOCUMENT_BYTES) for path in crls or ()),
            tuple(read_bounded(path, DOCUMENT_BYTES) for path in ocsp or ()),
        )
        house = open_house_of(folder)
        try:
            actor = operator()
            user = User(actor.partition(":")[2], actor, is_operator=True)
            extended = extend_document(house.context, user, document, evidence=evidence)
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    write_durably(out, extended.content, mode=0o644)
    if as_json:
        print_json({"file": str(file), "extended": str(out), "audit_entry": extended.audit_id})
    else:
        print_line(f"{file} -> {out}  {extended.audit_id}")
