"""``yinxin init``: make a folder a deployment."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations when the command is called
from typing import Annotated

import typer

from standards.errors import TrustError
from yinxin.commands.console import DIR_HELP, JSON_HELP, fail, print_json, print_line, say


def init(
    *,
    folder: Annotated[Path, typer.Option("--dir", help=DIR_HELP)],
    organisation: Annotated[str, typer.Option(help="Whose authority it is: O in its certificates. 证书机构所属单位名称。")] = "Yinxin",
    base_url: Annotated[str | None, typer.Option(help="What the world calls it, such as https://trust.example.org. 对外地址。")] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Make keys, a certification authority, settings and tables. Again: finishes what is missing. 初始化部署（可重复执行）。"""
    from yinxin.initialise import initialise

    try:
        deployment = initialise(folder, organisation=organisation, base_url=base_url)
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json(
            {"dir": str(folder), "base_url": deployment.settings.base_url, "keys": [key.key_id for key in deployment.keystore.list()]}
        )
        return
    print_line(say(f"Ready: {folder}", f"已就绪：{folder}"))
    print_line(say(f"Next: yinxin serve --dir {folder}", f"下一步：yinxin serve --dir {folder}"))
