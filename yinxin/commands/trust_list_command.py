"""``yinxin trust-list``: what verifiers elsewhere must know of this deployment, as one file."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations when the command is called
from typing import Annotated

import typer

from standards.errors import TrustError
from yinxin.commands.console import DIR_HELP, JSON_HELP, check_folder, fail, print_json, print_line, say


def trust_list(
    *,
    folder: Annotated[Path, typer.Option("--dir", help=DIR_HELP)],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it. 输出文件。")],
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Write a trust list: own authority, revocation lists, log and status lists of now. 导出信任列表，供他处离线验证。"""
    from crypto.trust_list import write_trust_list
    from licence_vault.actions.own_trust import own_trust
    from service_kit.durable_files import PUBLIC_MODE, write_durably
    from yinxin.assembly import open_house
    from yinxin.deployment import open_deployment

    try:
        check_folder(folder)
        house = open_house(open_deployment(folder))
        try:
            context = house.context
            trust = context.trust().joined_with(own_trust(context))
            written = write_trust_list(trust, name=context.settings.base_url, issued_at=context.clock.now())
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    write_durably(out.absolute(), written, mode=PUBLIC_MODE)
    counts = {"anchors": len(trust.anchors), "logs": len(trust.logs), "status_tokens": len(trust.status_tokens)}
    if as_json:
        print_json({"file": str(out), "bytes": len(written), **counts})
    else:
        print_line(say(f"{out}: {len(written)} bytes, {counts}", f"{out}：{len(written)} 字节，{counts}"))
