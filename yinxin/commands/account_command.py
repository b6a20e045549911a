"""``yinxin account``: people who may sign in. For operators; everything is audited, and nothing personal is printed that was not asked for."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from standards.errors import Kind, TrustError
from yinxin.commands.console import DIR_HELP, JSON_HELP, check_folder, fail, operator, print_json, print_line, print_table, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idp.actions.people_desk import PeopleDesk
    from idp.model.people import Account

app: Final = typer.Typer(no_args_is_help=True, help="People who may sign in. 管理可登录的人员账户。")

Folder = Annotated[Path, typer.Option("--dir", help=DIR_HELP)]
AsJson = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
AccountName = Annotated[str, typer.Argument(metavar="LOGIN_OR_ID", help="Login name, or the account's id. 登录名或账户标识。")]
_PAUSE_SECONDS: Final = 0.05


@contextmanager
def _desk(folder: Path) -> Iterator[PeopleDesk]:
    import idp.service
    from yinxin.assembly import open_house
    from yinxin.deployment import open_deployment

    check_folder(folder)
    house = open_house(open_deployment(folder))
    desk = idp.service.people_desk(house.context)
    try:
        yield desk
    finally:
        desk.pool.close()
        house.close()


def _find(desk: PeopleDesk, name: str) -> Account:
    from idp.actions.find_accounts import account_named

    return account_named(desk, name)


def _view(account: Account) -> dict[str, Any]:
    return {
        "account_id": account.account_id,
        "kind": account.kind.value,
        "name": account.name,
        "status": account.status.value,
        "level": account.level,
        "version": account.version,
    }


def _read_password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt(say("New password", "新密码"), hide_input=True, confirmation_prompt=True, err=True))


@app.command("add")
def add_account(
    *,
    folder: Folder,
    login: Annotated[str, typer.Option(help="Login name. 登录名。")],
    name: Annotated[str, typer.Option(help="The person's name. 姓名。")],
    two_factors: Annotated[bool, typer.Option("--two-factors", help="Signs in in two ways only. 必须双因素登录。")] = False,
    as_json: AsJson = False,
) -> None:
    """Create a person's account; a recovery code to set the first password is shown once. 新建个人账户，恢复码仅显示一次。"""
    from idp.actions.manage_accounts import NewAccount, create_account
    from idp.actions.set_credentials import issue_recovery_code
    from idp.model.people import AccountKind, Identifier, IdentifierKind

    try:
        with _desk(folder) as desk:
            wanted = NewAccount(AccountKind.PERSON, name, (Identifier(IdentifierKind.LOGIN, login),), needs_two_factors=two_factors)
            account = create_account(desk, wanted, actor=operator())
            code = issue_recovery_code(desk, account.account_id, actor=operator())
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json({**_view(account), "recovery_code": code})
        return
    print_line(f"account_id     {account.account_id}")
    print_line(f"recovery_code  {code}")
    print_line(say("Shown this once; it sets the first password within 24 hours.", "仅显示这一次，24 小时内用于设置首个密码。"))


@app.command("list")
def list_accounts(*, folder: Folder, as_json: AsJson = False) -> None:
    """List the accounts of persons. 列出个人账户。"""
    from idp.actions.find_accounts import list_persons

    try:
        with _desk(folder) as desk:
            found = list_persons(desk)
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json({"accounts": [_view(account) for account in found]})
        return
    headings = (say("Account", "账户"), say("Name", "姓名"), say("Status", "状态"), say("Level", "等级"))
    print_table(headings, [(each.account_id, each.name, each.status.value, str(each.level)) for each in found])


@app.command("disable")
def disable_account(*, account: AccountName, folder: Folder, as_json: AsJson = False) -> None:
    """Nobody signs in with it any more; its sessions end at once. 停用账户，会话立即结束。"""
    from idp.actions.manage_accounts import change_account_status
    from idp.model.people import AccountStatus

    try:
        with _desk(folder) as desk:
            present = _find(desk, account)
            changed = change_account_status(desk, present.account_id, present.kind, AccountStatus.DISABLED, actor=operator())
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    _tell(changed, as_json=as_json)


@app.command("enable")
def enable_account(*, account: AccountName, folder: Folder, as_json: AsJson = False) -> None:
    """Let it sign in again. 重新启用账户。"""
    from idp.actions.manage_accounts import change_account_status
    from idp.model.people import AccountStatus

    try:
        with _desk(folder) as desk:
            present = _find(desk, account)
            changed = change_account_status(desk, present.account_id, present.kind, AccountStatus.ACTIVE, actor=operator())
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    _tell(changed, as_json=as_json)


@app.command("set-password")
def set_password(
    *,
    account: AccountName,
    folder: Folder,
    from_stdin: Annotated[bool, typer.Option("--stdin", help="Read it from standard input. 从标准输入读取。")] = False,
    as_json: AsJson = False,
) -> None:
    """Set the password; it is asked for, never an argument. 设置密码（交互输入，不作为参数）。"""
    from idp.actions.set_credentials import set_password as put

    try:
        with _desk(folder) as desk:
            present = _find(desk, account)
            password = _read_password(from_stdin=from_stdin)
            put(desk, present.account_id, password, actor=operator())
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    _tell(present, as_json=as_json)


@app.command("recovery-code")
def recovery_code(*, account: AccountName, folder: Folder, as_json: AsJson = False) -> None:
    """A code that signs in once, to set a new password. 签发一次性恢复码。"""
    from idp.actions.set_credentials import issue_recovery_code

    try:
        with _desk(folder) as desk:
            present = _find(desk, account)
            code = issue_recovery_code(desk, present.account_id, actor=operator())
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json({**_view(present), "recovery_code": code})
    else:
        print_line(f"recovery_code  {code}")


@app.command("give")
def give(
    *,
    client_id: Annotated[str, typer.Argument(metavar="CLIENT_ID", help="The directory's client (SCIM). 目录的客户端。")],
    folder: Folder,
    account: Annotated[str, typer.Option("--account", help="Login name, or the account's id. 登录名或账户标识。")] = "",
    origin: Annotated[
        str, typer.Option("--origin", help="All that came from there, such as import:hr or scim:hr. 该来源的全部账户。")
    ] = "",
    take_back: Annotated[bool, typer.Option("--take-back", help="Take them back from it. 收回。")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a directory keep accounts that it did not bring: fields and state, no password, no end; of an import all by its name. 将账户交由目录管理。"""
    from idp.actions.find_accounts import accounts_from
    from idp.actions.give_account import give_account
    from idp.actions.import_sources import give_source

    try:
        if bool(account) == bool(origin):
            raise TrustError(Kind.MALFORMED, "ACCOUNT_FIELD_INVALID", field="account", expected="--account or --origin")
        with _desk(folder) as desk:
            wanted = [_find(desk, account)] if account else accounts_from(desk, origin)
            if origin.startswith("import:"):
                give_source(desk, origin.removeprefix("import:"), client_id, is_given=not take_back, actor=operator())
            for each in wanted:
                give_account(desk, each.account_id, each.kind, client_id, is_given=not take_back, actor=operator())
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json({"client_id": client_id, "is_given": not take_back, "accounts": [each.account_id for each in wanted]})
    else:
        print_line(f"{client_id}  {len(wanted)}")


@app.command("totp")
def totp(*, account: AccountName, folder: Folder, as_json: AsJson = False) -> None:
    """A new secret for one-time codes, shown once as the address an authenticator app reads. 登记动态码，仅显示一次。"""
    from idp.actions.set_credentials import set_totp
    from idp.credentials.one_time_codes import provisioning_uri
    from idp.model.people import AccountKind, IdentifierKind

    try:
        with _desk(folder) as desk:
            present = _find(desk, account)
            if present.kind is not AccountKind.PERSON:
                raise TrustError(Kind.NOT_FOUND, "ACCOUNT_NOT_FOUND")
            login = present.identifier(IdentifierKind.LOGIN)
            secret = set_totp(desk, present.account_id, actor=operator())
            address = provisioning_uri(secret, desk.issuer, login.value if login else present.account_id)
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json({**_view(present), "otpauth": address})
        return
    print_line(address)
    if sys.stdout.isatty():
        import segno

        segno.make(address).terminal(compact=True)


@app.command("import")
def import_file(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, or JSON lines where it ends in .jsonl or .ndjson. 账户文件。")],
    folder: Folder,
    source: Annotated[str, typer.Option(help="Whose accounts they are, such as hr. 来源名称。")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Try everything, change nothing. 试运行，不做修改。")] = False,
    encoding: Annotated[str, typer.Option(help="utf-8 or gb18030. 文件编码。")] = "utf-8",
    as_json: AsJson = False,
) -> None:
    """Import accounts from a file of another directory; exit status 1 where a row was refused. 批量导入账户。"""
    from idp.actions.find_imports import find_import, find_outcome
    from idp.actions.import_accounts import receive_import, run_imports
    from idp.api.import_routes import import_view
    from idp.model.imports import ImportForm, ImportState

    try:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise TrustError(Kind.UNACCEPTABLE, "FILE_UNREADABLE", path=str(file), reason=error.strerror) from None
        form = ImportForm.JSON_LINES if file.suffix.lower() in {".jsonl", ".ndjson"} else ImportForm.CSV
        with _desk(folder) as desk:
            made = receive_import(desk, source, data, form, encoding=encoding.lower(), is_dry_run=dry_run, actor=operator())
            while True:  # a served deployment may take a turn as well
                if run_imports(desk) == 0:
                    time.sleep(_PAUSE_SECONDS)
                made = find_import(desk, made.import_id)
                if made.state is ImportState.FINISHED:
                    break
            counts, refused = find_outcome(desk, made)
            view = import_view(made, counts)
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json({**view, "refused": [{"number": each.number, "code": each.code, "field": each.field} for each in refused]})
    else:
        print_line(f"{view['import_id']}  {view['state']}  " + "  ".join(f"{name} {count}" for name, count in view["counts"].items()))
        if refused:
            headings = (say("Row", "行"), say("Code", "代码"), say("Field", "字段"))
            print_table(headings, [(str(each.number), each.code, each.field) for each in refused])
    if refused:
        raise typer.Exit(1)


def _tell(account: Account, *, as_json: bool) -> None:
    if as_json:
        print_json(_view(account))
    else:
        print_line(f"{account.account_id}  {account.status.value}")
