"""``yinxin client``: who may call the API."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from standards.errors import Kind, TrustError
from standards.rfc7493_i_json import read_strict
from yinxin.commands.console import DIR_HELP, JSON_HELP, check_folder, fail, operator, print_json, print_line, print_table, say

if TYPE_CHECKING:
    from idp.model.clients import Client, ClientStatus
    from yinxin.assembly import House

REGISTRATION_BYTES: Final = 64 * 1024  # of a file with a client's registration
app: Final = typer.Typer(no_args_is_help=True, help="Clients that may call the API. 管理接口调用方。")

Folder = Annotated[Path, typer.Option("--dir", help=DIR_HELP)]
AsJson = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
ClientId = Annotated[str, typer.Argument(metavar="CLIENT_ID")]


def _open(folder: Path) -> House:
    from yinxin.assembly import open_house
    from yinxin.deployment import open_deployment

    check_folder(folder)
    return open_house(open_deployment(folder))


def _view(client: Client) -> dict[str, Any]:
    from idp.api.client_routes import client_view

    return client_view(client)


def _show(client: Client, secret: str | None, *, as_json: bool) -> None:
    if as_json:
        print_json({**_view(client), **({"client_secret": secret} if secret else {})})
        return
    print_line(f"client_id      {client.client_id}")
    if secret:
        print_line(f"client_secret  {secret}")
        print_line(say("The secret is shown this once: keep it now.", "密钥仅显示这一次，请立即妥善保存。"))
    print_line(f"status         {client.status.value}")
    print_line(f"scopes         {' '.join(client.scopes)}")


@app.command("add")
def add_client(
    *,
    folder: Folder,
    name: Annotated[str, typer.Option(help="What people call it. 名称。")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", help="What its own tokens may be used for; several times; none: it only signs people in. 权限范围，可多次。"
        ),
    ] = None,
    client_id: Annotated[str | None, typer.Option("--id", help="Made up where missing. 标识，缺省自动生成。")] = None,
    audience: Annotated[list[str] | None, typer.Option("--audience", help="Other resource servers it may ask tokens for. 受众。")] = None,
    tokens_per_minute: Annotated[int | None, typer.Option(min=1, help="How many tokens it may take. 每分钟令牌上限。")] = None,
    as_json: AsJson = False,
) -> None:
    """Register a client; its secret is shown this once. 登记客户端，密钥仅显示一次。"""
    import idp.service
    from idp.actions.register_client import NewClient, register_client
    from idp.model.clients import TOKENS_PER_MINUTE_DEFAULT

    try:
        house = _open(folder)
        try:
            wanted = NewClient(name, tuple(scope or ()), tuple(audience or ()), client_id, tokens_per_minute or TOKENS_PER_MINUTE_DEFAULT)
            client, secret = register_client(idp.service.client_desk(house.context), wanted, actor=operator())
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    _show(client, secret, as_json=as_json)


@app.command("list")
def list_clients(*, folder: Folder, as_json: AsJson = False) -> None:
    """List the clients. 列出客户端。"""
    import idp.service
    from idp.actions.find_clients import list_clients as find_all

    try:
        house = _open(folder)
        try:
            found = find_all(idp.service.client_desk(house.context))
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json({"clients": [_view(client) for client in found]})
        return
    headings = (say("Client", "客户端"), say("Name", "名称"), say("Status", "状态"), say("Scopes", "权限范围"))
    print_table(headings, [(client.client_id, client.name, client.status.value, " ".join(client.scopes)) for client in found])


@app.command("rotate-secret")
def rotate_secret(
    *,
    client_id: ClientId,
    folder: Folder,
    overlap_seconds: Annotated[
        int, typer.Option(min=0, help="How long the secrets that work now go on working. 现有密钥继续有效的秒数。")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Give a client a new secret. 更换客户端密钥。"""
    import idp.service
    from idp.actions.rotate_secret import rotate_secret as rotate

    try:
        house = _open(folder)
        try:
            client, secret = rotate(idp.service.client_desk(house.context), client_id, overlap_seconds=overlap_seconds, actor=operator())
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    _show(client, secret, as_json=as_json)


@app.command("sign-in")
def set_sign_in(
    *,
    client_id: ClientId,
    folder: Folder,
    redirect_uri: Annotated[
        list[str] | None, typer.Option("--redirect-uri", help="Where people come back to; several times. 回调地址。")
    ] = None,
    logout_uri: Annotated[list[str] | None, typer.Option("--logout-uri", help="Where they may go after signing out. 退出后地址。")] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="It may have refresh tokens. 允许刷新令牌。")] = False,
    own: Annotated[
        bool, typer.Option("--own", help="Belongs to this deployment: no consent is asked for. 自有系统，无需授权确认。")
    ] = False,
    without_secret: Annotated[bool, typer.Option("--without-secret", help="It cannot keep a secret. 无法保存密钥的客户端。")] = False,
    purpose: Annotated[str, typer.Option(help="Shown where consent is asked for. 用途说明。")] = "",
    person_scope: Annotated[
        list[str] | None,
        typer.Option(
            "--person-scope", help="A scope it may ask people for, to act in their name; several times. 可代表用户申请的权限，可多次。"
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="Everything, as JSON for PUT /v1/clients/{id}/registration. 完整登记信息。")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let a client sign people in; what it registered before is replaced. 登记客户端的登录方式。"""
    from pydantic import ValidationError

    import idp.service
    from idp.actions.set_registration import set_registration
    from idp.api.registration_routes import SignInRegistrationBody, read_registration_body, registration_view
    from idp.model.registrations import CODE, REFRESH
    from yinxin.commands.verify_command import read_limited

    members: dict[str, Any] = {
        "redirect_uris": redirect_uri or [],
        "post_logout_redirect_uris": logout_uri or [],
        "grant_types": [CODE, *([REFRESH] if refresh else [])],
        "token_endpoint_auth_method": "none" if without_secret else "client_secret_basic",
        "is_own": own,
        "person_scopes": person_scope or [],
        "purpose": purpose,
    }
    try:
        if file is not None:
            members = read_strict(read_limited(file, REGISTRATION_BYTES) or b"")
        wanted = read_registration_body(client_id, SignInRegistrationBody.model_validate(members).model_dump())
        house = _open(folder)
        try:
            kept = set_registration(idp.service.client_desk(house.context), wanted, actor=operator())
        finally:
            house.close()
    except ValidationError as error:  # the member that is wrong, never its value
        found = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(map(str, found["loc"]))[:80] or "file"
        raise fail(TrustError(Kind.UNACCEPTABLE, "CLIENT_FIELD_INVALID", field=field, expected=found["type"]), as_json=as_json) from None
    except ValueError:
        raise fail(TrustError(Kind.MALFORMED, "REQUEST_MALFORMED"), as_json=as_json) from None
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json({"client_id": client_id, **registration_view(kept)})
        return
    print_line(
        say(
            f"{client_id} signs people in, back to: {' '.join(kept.redirect_uris)}",
            f"{client_id} 已可登录，回调：{' '.join(kept.redirect_uris)}",
        )
    )


def _change(folder: Path, client_id: str, status: ClientStatus, *, as_json: bool) -> None:
    import idp.service
    from idp.actions.change_client_status import change_client_status

    try:
        house = _open(folder)
        try:
            client = change_client_status(idp.service.client_desk(house.context), client_id, status, actor=operator())
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    _show(client, None, as_json=as_json)


@app.command("disable")
def disable_client(*, client_id: ClientId, folder: Folder, as_json: AsJson = False) -> None:
    """No further token, and none of its tokens counts any more. 停用客户端，立即生效。"""
    from idp.model.clients import ClientStatus

    _change(folder, client_id, ClientStatus.DISABLED, as_json=as_json)


@app.command("enable")
def enable_client(*, client_id: ClientId, folder: Folder, as_json: AsJson = False) -> None:
    """Let a disabled client in again. 重新启用客户端。"""
    from idp.model.clients import ClientStatus

    _change(folder, client_id, ClientStatus.ACTIVE, as_json=as_json)


@app.command("cas-services")
def set_cas_services(
    *,
    client_id: ClientId,
    folder: Folder,
    service: Annotated[
        list[str] | None,
        typer.Option("--service", help="Address, or folder ending in /*; several times; none: no tickets. 服务地址，可多次。"),
    ] = None,
    claim: Annotated[list[str] | None, typer.Option("--claim", help="What it is told of people; several times. 可获得的属性。")] = None,
    proxy_callback: Annotated[
        list[str] | None,
        typer.Option(
            "--proxy-callback", help="Where it may get proxy-granting tickets; several times; none: nowhere. 代理回调地址，可多次。"
        ),
    ] = None,
    accepted_proxy: Annotated[
        list[str] | None,
        typer.Option("--accepted-proxy", help="By whose callbacks others may come to it; several times. 接受的代理（回调地址），可多次。"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say where a client that speaks CAS gets its tickets, in place of what was said before. 登记 CAS 服务地址（覆盖原有）。"""
    import idp.service
    from idp.actions.register_cas_services import register_cas_services
    from idp.model.cas import CasRegistration

    wanted = CasRegistration(tuple(service or ()), tuple(claim or ()), tuple(proxy_callback or ()), tuple(accepted_proxy or ()))
    try:
        house = _open(folder)
        try:
            desk = idp.service.client_desk(house.context)
            register_cas_services(desk, client_id, wanted, actor=operator())
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json({"client_id": client_id, **asdict(wanted)})
    else:
        print_line("\n".join(wanted.services))


@app.command("initial-token")
def issue_initial_token(
    *,
    folder: Folder,
    note: Annotated[str, typer.Option(help="What it is for. 用途说明。")] = "",
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help="What its clients may have beside signing people in. 权限范围。")
    ] = None,
    uses: Annotated[int, typer.Option(min=1, help="How many clients may be registered by it. 可登记的客户端数。")] = 1,
    days: Annotated[int, typer.Option(min=1, help="How many days it is good. 有效天数。")] = 7,
    approval: Annotated[bool, typer.Option("--approval", help="Its clients wait until they are enabled. 登记后须经启用。")] = False,
    pkce_optional: Annotated[
        bool, typer.Option("--pkce-optional", help="Clients with credentials may do without PKCE. 可不使用 PKCE。")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let systems register themselves (RFC 7591); the token is shown this once. 签发自助登记令牌，仅显示一次。"""
    import idp.service
    from idp.actions.register_itself import issue_initial_token as issue

    try:
        house = _open(folder)
        try:
            token, text = issue(
                idp.service.client_desk(house.context),
                note=note,
                scopes=tuple(scope or ()),
                needs_approval=approval,
                is_pkce_required=not pkce_optional,
                uses=uses,
                days=days,
                actor=operator(),
            )
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    expires = token.expires_at.isoformat(timespec="seconds")
    if as_json:
        print_json({"token_id": token.token_id, "initial_token": text, "uses": token.uses_max, "expires_at": expires})
        return
    print_line(f"token_id       {token.token_id}")
    print_line(f"initial_token  {text}")
    print_line(say(f"Good for {uses} registrations until {expires}.", f"可登记 {uses} 次，有效期至 {expires}。"))


@app.command("withdraw-initial-token")
def withdraw_initial_token(
    *,
    token_id: Annotated[str, typer.Argument(help="As `client initial-token` printed it (it_...). 令牌编号。")],
    folder: Folder,
    as_json: AsJson = False,
) -> None:
    """Let nobody register by an initial token any more; its clients stay. 撤销自助登记令牌，已登记的客户端不受影响。"""
    import idp.service
    from idp.actions.register_itself import withdraw_initial_token as withdraw

    try:
        house = _open(folder)
        try:
            withdraw(idp.service.client_desk(house.context), token_id, actor=operator())
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json({"token_id": token_id, "withdrawn": True})
        return
    print_line(say(f"{token_id} registers nobody any more.", f"{token_id} 已撤销。"))


@app.command("rotate-signing-key")
def rotate_signing_key(
    *,
    folder: Folder,
    algorithm: Annotated[
        str | None, typer.Option("--algorithm", help="Of this algorithm alone, such as RS256; all where missing. 算法，缺省为全部。")
    ] = None,
    at_once: Annotated[
        bool,
        typer.Option("--at-once", help="After a compromise: withdraw every key and its tokens now. 密钥泄露时立即替换并作废全部令牌。"),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Change the keys that sign tokens; they are published first and sign a quarter of an hour later. 更换令牌签名密钥。"""
    import idp.service
    from idp.actions import rotate_signing_key as rotation
    from idp.model.clients import SIGNING_ALGORITHMS
    from standards.errors import Kind

    try:
        if algorithm is not None and algorithm not in SIGNING_ALGORITHMS:
            raise TrustError(Kind.UNACCEPTABLE, "CLIENT_FIELD_INVALID", field="algorithm", expected=" ".join(SIGNING_ALGORITHMS))
        house = _open(folder)
        try:
            desk = idp.service.key_desk(house.context)
            rotate = rotation.replace_signing_key if at_once else rotation.rotate_signing_key
            keys = [rotate(desk, actor=operator(), algorithm=each) for each in ([algorithm] if algorithm else SIGNING_ALGORITHMS)]
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    shown = [
        {"key_id": key.key_id, "algorithm": key.algorithm, "signs_from": key.signs_from_at.isoformat(timespec="seconds")} for key in keys
    ]
    if as_json:
        print_json({"keys": shown})
        return
    for key in shown:
        signs_from, name = key["signs_from"], f"{key['key_id']} ({key['algorithm']})"
        print_line(say(f"{name} signs from {signs_from}", f"{name} 自 {signs_from} 起签名"))
