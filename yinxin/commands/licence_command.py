"""``yinxin licence``: what can be said of a licence at the terminal. Needs no deployment and no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from yinxin.commands.console import JSON_HELP, print_json, print_line, say

if TYPE_CHECKING:
    from standards.gbt36904_licence_number import LicenceNumber, NumberFindings

EXIT_INVALID: Final = 1
EXIT_LEGACY: Final = 2

app: Final = typer.Typer(no_args_is_help=True, help="Electronic licences. 电子证照。")


@app.callback()
def group() -> None:
    """Keep ``check-number`` a command of its own even while it is the only one."""


@app.command("check-number")
def check_number(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="The identifier of a licence, with its root. 电子证照标识。")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Check the identifier of a licence (GB/T 36904): valid (0), legacy-variant (2) or invalid (1). 校验电子证照标识。"""
    from standards.gbt36904_licence_number import NumberVerdict, examine_licence_number

    findings = examine_licence_number(number)
    if as_json:
        print_json(_as_json(findings))
    else:
        print_line(findings.verdict.value)
        for line in _explain(findings):
            typer.echo(f"  {line}", err=True)
    raise typer.Exit({NumberVerdict.VALID: 0, NumberVerdict.LEGACY_VARIANT: EXIT_LEGACY}.get(findings.verdict, EXIT_INVALID))


def _as_json(findings: NumberFindings) -> dict[str, object]:
    number = findings.number
    if number is None:
        return {"verdict": findings.verdict.value, "malformed": findings.malformed}
    return {
        "verdict": findings.verdict.value,
        "type_code": number.type_code,
        "issuer": number.issuer,
        "serial": number.serial,
        "version": number.version,
        "check": number.check,
        "type_authority_sound": number.is_type_authority_sound,
        "issuer_sound": number.is_issuer_sound,
    }


def _explain(findings: NumberFindings) -> list[str]:
    from service_kit.problem_catalogue import text_of
    from standards.gbt36904_licence_number import NumberVerdict
    from yinxin.commands.reader_language import language_of_reader
    from yinxin.links import load_catalogue

    number = findings.number
    if number is None:
        load_catalogue()
        text = text_of(findings.malformed or "")
        return [] if text is None else [text.cause(language_of_reader())]
    lines = {
        NumberVerdict.VALID: [],
        NumberVerdict.LEGACY_VARIANT: [
            say("the check character is that of a deployed program which counts letters from 11", "校验位由字母从 11 起计的旧程序生成")
        ],
        NumberVerdict.INVALID: [say("the check character is wrong", "校验位错误")],
    }[findings.verdict]
    return lines + _explain_codes(number)


def _explain_codes(number: LicenceNumber) -> list[str]:
    lines = []
    if not number.is_type_authority_sound:
        lines.append(say("the credit code of the defining authority does not pass its check", "证照定义机构代码未通过校验"))
    if number.is_issuer_sound is None:
        lines.append(say("an area code stands in the place of the issuer", "颁发机构位置为行政区划代码"))
    elif not number.is_issuer_sound:
        lines.append(say("the credit code of the issuer does not pass its check", "颁发机构代码未通过校验"))
    return lines
