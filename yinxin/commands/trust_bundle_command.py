"""``yinxin trust-bundle``: what a verifier without a network must know of this deployment, as one signed file."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations when the command is called
from typing import Annotated

import typer

from standards.errors import TrustError
from yinxin.commands.console import DIR_HELP, JSON_HELP, check_folder, fail, print_json, print_line, say


def trust_bundle(
    *,
    folder: Annotated[Path, typer.Option("--dir", help=DIR_HELP)],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it. 输出文件。")],
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Write the signed trust bundle for the offline verifier: whom to trust, and all statuses of now. 导出已签名的信任数据包，供离线核验文件使用。"""
    from service_kit.durable_files import PUBLIC_MODE, write_durably
    from yinxin.assembly import open_house
    from yinxin.deployment import open_deployment
    from yinxin.offline_verifier.open_bundles import open_bundles

    try:
        check_folder(folder)
        house = open_house(open_deployment(folder))
        try:
            written = open_bundles(house.context).current()
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    write_durably(out.absolute(), written, mode=PUBLIC_MODE)
    if as_json:
        print_json({"file": str(out), "bytes": len(written)})
    else:
        print_line(say(f"{out}: {len(written)} bytes", f"{out}：{len(written)} 字节"))
