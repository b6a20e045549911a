"""``yinxin keys``: what is in the key store, and under which master key. Never a private key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from standards.errors import Kind, TrustError
from yinxin.commands.console import DIR_HELP, JSON_HELP, check_folder, fail, operator, print_json, print_line, print_table, say

app: Final = typer.Typer(no_args_is_help=True, help="Keys and the master key. 管理密钥。")

DAYS_AHEAD: Final = 365
SHOWN_DIGITS: Final = 16  # of the SM3 of a public key
Folder = Annotated[Path, typer.Option("--dir", help=DIR_HELP)]
AsJson = Annotated[bool, typer.Option("--json", help=JSON_HELP)]


@app.command("list")
def list_keys(*, folder: Folder, as_json: AsJson = False) -> None:
    """List the keys. 列出密钥。"""
    from crypto.sm3 import sm3
    from yinxin.deployment import open_deployment

    try:
        check_folder(folder)
        found = open_deployment(folder).keystore.list()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    rows = [
        {
            "key_id": key.key_id,
            "algorithm": key.algorithm.value,
            "created_at": key.created_at.isoformat(timespec="seconds"),
            "public_key_sm3": sm3(key.public_spki_der).hex(),
        }
        for key in found
    ]
    if as_json:
        print_json({"keys": rows})
        return
    headings = (say("Key", "密钥"), say("Algorithm", "算法"), say("Made", "生成时间"), say("SM3 of public key", "公钥 SM3"))
    print_table(headings, [(row["key_id"], row["algorithm"], row["created_at"], row["public_key_sm3"][:SHOWN_DIGITS]) for row in rows])


@app.command("rotate")
def rotate(
    name: Annotated[str, typer.Argument(metavar="KEY", help="A key of the licence log or of its status lists. 证照日志或状态列表的密钥。")],
    *,
    folder: Folder,
    in_days: Annotated[
        int, typer.Option("--in-days", min=0, max=DAYS_AHEAD, help="Sign with it only in so many days. 若干天后启用新密钥。")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Make the next key of the licence log or its status lists; the former stays valid for what it signed. 更换证照日志或状态列表的密钥。"""
    from licence_vault.actions.rotate_key import rotate_key
    from yinxin.assembly import open_house
    from yinxin.deployment import open_deployment

    try:
        check_folder(folder)
        house = open_house(open_deployment(folder))
        try:
            made = rotate_key(house.context, name, actor=operator(), in_days=in_days)
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    begins = "" if made.from_at is None else made.from_at.isoformat(timespec="seconds")
    if as_json:
        print_json({"key_id": made.key_id, "name": made.name, "from": begins})
        return
    print_line(
        say(
            f"{made.key_id} signs from {begins}. Restart the servers then, hand out a new trust list (yinxin trust-list) and make a backup.",
            f"{made.key_id} 自 {begins} 起签名。届时请重启服务；请导出新的信任列表（yinxin trust-list）并备份。",
        )
    )


@app.command("withdraw")
def withdraw(
    key_id: Annotated[
        str, typer.Argument(metavar="KEY", help="A key of the licence log or of its status lists. 证照日志或状态列表的密钥。")
    ],
    *,
    folder: Folder,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the audit trail. 撤回原因，记入审计。")],
    confirm: Annotated[
        str,
        typer.Option(
            "--confirm",
            help="The key's SM3 as `yinxin keys list` shows it: it cannot be undone. 密钥公钥的 SM3（见 keys list），操作不可撤销。",
        ),
    ],
    since: Annotated[
        str | None, typer.Option("--since", help="Since when it may be in the wrong hands, ISO 8601; now otherwise. 可能泄露的起始时间。")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw a key that may be in the wrong hands, for good; another signs at once. Stop the servers first. 撤回可能泄露的密钥（请先停止服务）。"""
    from crypto.sm3 import sm3
    from licence_vault.actions.withdraw_key import withdraw_key
    from yinxin.assembly import open_house
    from yinxin.commands.verify_command import read_at
    from yinxin.deployment import open_deployment

    try:
        check_folder(folder)
        since_at = None if since is None else read_at(since)
        house = open_house(open_deployment(folder))
        try:
            known = {each.key_id: sm3(each.public_spki_der).hex()[:SHOWN_DIGITS] for each in house.deployment.keystore.list()}
            if key_id in known and confirm != known[key_id]:
                raise TrustError(Kind.UNACCEPTABLE, "FIELD_UNACCEPTABLE", field="--confirm", rule="the SM3 of this key's public key")
            at = house.context.clock.now() if since_at is None else since_at
            done = withdraw_key(house.context, key_id, since_at=at, reason=reason, actor=operator())
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    begins = done.withdrawn_at.isoformat(timespec="seconds")
    if as_json:
        print_json({"key_id": done.key_id, "withdrawn_at": begins, "signing_key_id": done.signing_key_id, "editions": done.editions})
        return
    print_line(
        say(
            f"{done.key_id} is withdrawn as of {begins}; {done.signing_key_id} signs. Start the servers, hand out the new trust list"
            " (yinxin trust-list, yinxin trust-bundle) to everybody at once, and make a backup.",
            f"{done.key_id} 已撤回（自 {begins} 起不可信），现由 {done.signing_key_id} 签名。请启动服务，立即向所有核验方分发新的信任列表"
            "（yinxin trust-list、yinxin trust-bundle），并备份。",
        )
    )


@app.command("rotate-master")
def rotate_master(
    *,
    folder: Folder,
    new_key_file: Annotated[
        Path | None, typer.Option(help="Keep the new key here instead of in the old one's place. 新主密钥文件位置。")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Seal every key under a new master key. Stop the server first, start it again afterwards. 更换主密钥（请先停止服务）。"""
    from crypto.master_key import MasterKey
    from yinxin.deployment import load_master_key, master_key_path, open_deployment

    try:
        check_folder(folder)
        old_path = master_key_path(folder, os.environ)
        if new_key_file is None and not old_path.exists():
            raise TrustError(Kind.UNACCEPTABLE, "MASTER_KEY_NOT_IN_FILE", expected="--new-key-file")
        former = load_master_key(folder)
        new = MasterKey.generate()
        # The new key is on the disk before anything depends on it, and the old one until nothing does
        path = new_key_file if new_key_file is not None else old_path.with_name(old_path.name + ".new")
        if path.exists():
            new = MasterKey.from_file(path)  # a rotation that was cut off: go on with the key it began with
        else:
            new.write_file(path, like=old_path if old_path.exists() else folder)  # the server must be able to read it
        try:
            open_deployment(folder).keystore.rotate_master(new)
        except TrustError as error:
            if error.code != "KEYSTORE_MASTER_WRONG" or error.facts.get("expected") != new.identity:
                raise
            from crypto.keystore import Keystore
            from yinxin.deployment import KEYS

            Keystore(folder / KEYS, new)  # opening it under the new key finishes what was cut off
        if new_key_file is None:
            path.replace(old_path)
    except FileExistsError:
        raise fail(TrustError(Kind.CONFLICT, "FILE_EXISTS", path=str(new_key_file)), as_json=as_json) from None
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json({"former": former.identity, "master": new.identity})
        return
    print_line(
        say(
            f"Sealed under {new.identity}; {former.identity} opens nothing any more.",
            f"已改用主密钥 {new.identity}，原主密钥 {former.identity} 已失效。",
        )
    )
