"""``yinxin keycloak``: a realm of Keycloak follows the directory of this deployment."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations when the command is called
from typing import Annotated, Final

import typer

from standards.errors import Kind, TrustError
from yinxin.commands.console import DIR_HELP, JSON_HELP, check_folder, fail, operator, print_json, print_line, say

app: Final = typer.Typer(no_args_is_help=True, help="A realm of Keycloak as directory that follows. 让 Keycloak 域与本目录同步。")


@app.callback()
def _group() -> None:
    """So that the one command keeps its name."""


@app.command("push")
def push(
    *,
    folder: Annotated[Path, typer.Option("--dir", help=DIR_HELP)],
    url: Annotated[str, typer.Option(help="Address of Keycloak. Keycloak 地址。")],
    realm: Annotated[str, typer.Option(help="Name of the realm. 域名称。")],
    client_id: Annotated[str, typer.Option("--client", help="Its client with a service account. 服务账户客户端。")],
    secret_file: Annotated[Path, typer.Option("--secret-file", help="File with that client's secret. 客户端密钥文件。")],
    provider: Annotated[
        str, typer.Option("--provider", help="Alias of this deployment among the realm's providers. 本系统在该域中的别名。")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Bring the realm up to now; each further call sends what has changed since. 同步到当前状态。"""
    import idp.service
    from idp.actions.push_directory import push_directory
    from idp.connectors.keycloak_directory import KeycloakDirectory
    from yinxin.assembly import open_house
    from yinxin.deployment import open_deployment

    try:
        check_folder(folder)
        try:
            secret = secret_file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            raise TrustError(Kind.UNACCEPTABLE, "FILE_UNREADABLE", path=str(secret_file)) from None
        house = open_house(open_deployment(folder))
        desk = idp.service.people_desk(house.context)
        try:
            # The one way out decides whether this machine may be reached at all
            answer = idp.service.federation_desk(house.context, desk).outbound.call("GET", f"{url.rstrip('/')}/realms/{realm}")
            if answer.status != 200:
                raise TrustError(Kind.UNAVAILABLE, "DIRECTORY_PUSH_FAILED", reason="realm", status=answer.status)
            with KeycloakDirectory(url, realm, client_id, secret, provider) as directory:
                done = push_directory(desk, directory, f"keycloak:{realm}", actor=operator())
        finally:
            desk.pool.close()
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json({"realm": realm, "changes": done.changes, "persons": done.persons, "organisations": done.organisations})
    else:
        print_line(
            say(
                f"{realm}: {done.changes} changes, {done.persons} persons, {done.organisations} organisations",
                f"{realm}：{done.changes} 项变更，{done.persons} 名人员，{done.organisations} 个组织",
            )
        )
