"""``yinxin seal-import``: hand in a seal that was made elsewhere to the deployment in a folder, through the same action as over HTTP.

Somebody else approves what the operator of this machine applies for; nothing is used before that.
"""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - Typer reads the annotations when the command is called
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seal_service.life import KeyCustody
from standards.errors import TrustError
from yinxin.commands.console import DIR_HELP, JSON_HELP, check_folder, fail, operator, print_json, print_line, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crypto.report import Step
    from seal_service.actions.read_import import ImportOrder
    from yinxin.assembly import House

Holders = Annotated[list[str] | None, typer.Option(metavar="HOLDER", help="A client id, or person: and a subject. 应用或人员标识。")]


def seal_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The seal, .esl. 印章数据文件。")],
    *,
    folder: Annotated[Path, typer.Option("--dir", help=DIR_HELP)],
    reason: Annotated[str, typer.Option(help="Why; stands in the audit trail. 事由，记入审计。")] = "",
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its key, PKCS#12 or a private key. 印章密钥文件。")] = None,
    device_key: Annotated[str, typer.Option(metavar="NAME", help="Its key in a device of this deployment. 密码设备中的密钥。")] = "",
    request: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Certificate request of the owner's device. 用章人设备的证书请求。")
    ] = None,
    certificates: Annotated[Path | None, typer.Option(metavar="FILE", help="Its certificates, PEM or DER. 证书文件。")] = None,
    credit_code: Annotated[str, typer.Option(help="Without it as the certificate states it. 统一社会信用代码。")] = "",
    organisation: Annotated[str, typer.Option(help="Without it as the certificate states it. 单位名称。")] = "",
    manager: Holders = None,
    user: Holders = None,
    auditor: Holders = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the key's password from standard input. 从标准输入读口令。")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only say what would be found out. 仅检查，不提交。")] = False,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Hand in a seal that was made elsewhere; somebody else approves it. 登记在别处制作的印章，须经他人审核。"""
    from seal_service import limits
    from seal_service.actions.read_import import ImportOrder
    from seal_service.api.parameters import read_key_request
    from yinxin.commands.seal_files import open_house_of, read_bounded

    custody = (
        KeyCustody.KEYSTORE if key else KeyCustody.DEVICE if device_key else KeyCustody.OWNER if request is not None else KeyCustody.ABSENT
    )
    try:
        check_folder(folder)
        order = ImportOrder(
            seal_der=read_bounded(file, limits.IMPORT_SEAL_BYTES),
            reason=reason,
            custody=custody,
            certificates=b"" if certificates is None else read_bounded(certificates, limits.IMPORT_CERTIFICATES_BYTES),
            key_file=b"" if key is None else read_bounded(key, limits.IMPORT_KEY_BYTES),
            password="" if key is None else _read_password(from_stdin=password_stdin),
            device_key=device_key,
            key_request_der=b"" if request is None else read_key_request(read_bounded(request, limits.PEM_CHARACTERS).decode("latin-1")),
            organisation=organisation,
            credit_code=credit_code,
            managers=tuple(manager or ()),
            users=tuple(user or ()),
            auditors=tuple(auditor or ()),
        )
        house = open_house_of(folder)
        try:
            answer = _check(house, order) if check else _apply(house, order)
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json({"file": str(file)} | answer)
        return
    print_line(_tell(str(file), answer))


def _read_password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(
        typer.prompt(
            say("Password of the key (empty for none)", "密钥口令（无则留空）"), default="", hide_input=True, show_default=False, err=True
        )
    )


def _check(house: House, order: ImportOrder) -> dict[str, Any]:
    from seal_service.actions.read_import import read_import, verify_import

    handed_in = read_import(order)
    findings = verify_import(handed_in, order.custody, house.context.trust(), house.context.clock.now())
    found = _found(handed_in.seal.es_id, handed_in.seal.property.name, findings.verdict.value, findings.steps)
    return {"application": None, "custody": order.custody.value} | found


def _apply(house: House, order: ImportOrder) -> dict[str, Any]:
    from seal_service.actions.apply_for_import import apply_for_import
    from seal_service.actions.find_import import read_steps
    from service_kit.callers import Person
    from standards.gbt38540_seal.read import read_seal

    actor = operator()
    application, taken_in = apply_for_import(house.context, Person(actor, actor), order)
    found = _found(read_seal(taken_in.seal_data_der).es_id, application.name, taken_in.verdict, read_steps(taken_in.steps_json))
    return {"application": application.id, "custody": taken_in.custody.value} | found


def _found(code: str, name: str, verdict: str, steps: Sequence[Step]) -> dict[str, Any]:
    from crypto.report import Outcome
    from crypto.report_json import write_step
    from yinxin.commands.reader_language import language_of_reader

    return {
        "code": code,
        "name": name,
        "verdict": verdict,
        "unverified": list(dict.fromkeys(step.code for step in steps if step.outcome is Outcome.NOT_CHECKED)),
        "steps": [write_step(step, language_of_reader()) for step in steps],
    }


def _tell(file: str, answer: dict[str, Any]) -> str:
    lines = [f"{file}  {answer['code']}  {answer['name']}  {answer['verdict']}"]
    lines += [f"  {step['code']}: {step['detail']}" for step in answer["steps"] if step["outcome"] != "pass"]
    if answer["custody"] == KeyCustody.ABSENT:
        lines.append(say("  without its key: it will be archived, for record and verification", "  未附密钥：仅作归档，供备查和验证"))
    if answer["application"] is not None:
        lines.append(
            say(f"  applied for: {answer['application']}; somebody else approves it", f"  已提交申请 {answer['application']}，须经他人审核")
        )
    return "\n".join(lines)
