"""``yinxin licence``: what can be said of a licence at the terminal, and how its design looks. Needs no deployment and no network.

What reporting to the region needs of both stands in ``reconcile_command``.

Exit status of ``verify-code`` and ``verify-credential``: 0 valid, 1 invalid, 2 cannot tell, 64 usage.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path  # noqa: TC003 - Typer reads the annotations when the command is called
from typing import TYPE_CHECKING, Annotated, Final

import typer

from standards.errors import TrustError
from standards.rfc7493_i_json import StrictJsonError, read_strict_object
from yinxin.commands.console import EXIT_USAGE, JSON_HELP, fail, print_json, print_line, say, unwritten
from yinxin.commands.reader_language import language_of_reader
from yinxin.commands.reconcile_command import reconcile, simulate_region
from yinxin.commands.verify_command import UnusableArgumentError, exit_status, load_issuers, load_known, read_at, read_limited

if TYPE_CHECKING:
    from standards.gbt36904_licence_number import LicenceNumber, NumberFindings

EXIT_INVALID: Final = 1
EXIT_LEGACY: Final = 2

app: Final = typer.Typer(no_args_is_help=True, help="Electronic licences. 电子证照。")
app.command("reconcile")(reconcile)
app.command("simulate-region")(simulate_region)


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


@app.command("draw-face")
def draw_face(
    design: Annotated[Path, typer.Argument(metavar="DESIGN", help="A face as JSON, or a licence type with one. 样式或证照类型 JSON。")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write: .pdf or .ofd. 输出文件。")],
) -> None:
    """Draw a design with invented contents, to look at it; nothing that exists is written over. 以虚构内容绘制证照样式。"""
    from licence_vault.faces.draw import draw_ofd, draw_pdf
    from licence_vault.faces.limits import DESIGN_BYTES
    from licence_vault.faces.marks import Marks
    from licence_vault.faces.preview import preview_data
    from licence_vault.faces.read_design import face_of, read_face

    draw = {".pdf": draw_pdf, ".ofd": draw_ofd}.get(out.suffix.lower())
    if draw is None:
        raise _usage(say("OUT ends in .pdf or .ofd", "输出文件须以 .pdf 或 .ofd 结尾"))
    try:
        data = read_limited(design, DESIGN_BYTES)
        if data is None:
            raise _usage(say(f"the design is larger than {DESIGN_BYTES} bytes", f"样式超过 {DESIGN_BYTES} 字节"))
        template = face_of(_face_inside(data)) if _face_inside(data) is not None else read_face(data)
        marks = Marks(watermark="样例 SAMPLE")
        written = draw(preview_data(template), template, {}, qr_text="https://licences.example/v#PREVIEW", marks=marks)
        _write_new(out, written)
    except TrustError as error:
        raise fail(error) from None
    except OSError as error:
        raise _usage(f"{error.filename}: {error.strerror}") from None
    print_line(str(out))


def _write_new(path: Path, content: bytes) -> None:
    """A file with all of it, or none: a part of a page looks like a page. OSError where it cannot be begun, TrustError where it cannot be ended."""
    path.touch(exist_ok=False)
    try:
        path.write_bytes(content)  # closing it writes too, and may fail alone
    except OSError as error:
        path.unlink()
        raise unwritten(error, path) from None


def _face_inside(data: bytes) -> object | None:
    """The face of a licence type, None where the JSON is something else."""
    try:
        return read_strict_object(data).get("face")
    except StrictJsonError:
        return None


@app.command("verify-code")
def verify_code(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What a scanner read. 扫描所得文本。")],
    trust: Annotated[
        Path | None, typer.Option("--trust", metavar="PATH", help="Trust list with who signs status lists. 信任列表文件。")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="Judge as of this time (ISO 8601). 以此时间为准。")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Say whether the code printed on a licence is genuine and the licence in force: needs no network. 核验证照二维码。"""
    from crypto.known_until import while_known
    from licence_vault.verify_code import said_in
    from licence_vault.verify_code import verify_code as verify

    try:
        known, judged_at = load_known(trust).trust, read_at(at)
        found = verify(text, known, judged_at)
        report = while_known(found.report, known, judged_at, is_by_clock=at is None)
    except UnusableArgumentError as error:
        raise _usage(str(error)) from None
    language = language_of_reader()
    said = None if found.claims is None else said_in(found.claims)
    if as_json:
        from crypto.report_json import write_report, write_said

        print_json(write_report("code", report, language) | {"says": None if said is None else write_said(said)})
    else:
        from yinxin.commands.verdict_display import show_verdict

        show_verdict("code", replace(report, says=said), language)
    raise typer.Exit(exit_status([report.verdict.value], was_unreadable=False))


@app.command("verify-credential")
def verify_credential(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What a wallet showed: an SD-JWT. 钱包出示的凭证文件。")],
    keys: Annotated[
        Path | None,
        typer.Option(
            "--keys",
            metavar="PATH",
            help="The issuer's published keys: issuer and jwks; a trust bundle has its own. 颁发方公布的密钥（信任包已含）。",
        ),
    ] = None,
    trust: Annotated[
        Path | None, typer.Option("--trust", metavar="PATH", help="Trust list with status lists and who signs them. 信任列表文件。")
    ] = None,
    audience: Annotated[str | None, typer.Option("--audience", help="For whom its holder must have signed. 持有人签名的受众。")] = None,
    nonce: Annotated[str | None, typer.Option("--nonce", help="For which question. 持有人签名的 nonce。")] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="Judge as of this time (ISO 8601). 以此时间为准。")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Say what a credential shown by a wallet is worth: needs no network. 核验钱包出示的证照凭证。"""
    from crypto.known_until import while_known
    from licence_vault.credentials.check_credential import DemandedBinding
    from licence_vault.verify_credential import verify_credential as verify
    from standards.rfc9901_sd_jwt import COMBINED_CHARACTERS

    if (audience is None) != (nonce is None):
        raise _usage(say("--audience and --nonce go together", "--audience 与 --nonce 须同时给出"))
    binding = None if audience is None or nonce is None else DemandedBinding(audience, nonce)
    try:
        shown = read_limited(file, COMBINED_CHARACTERS + 2)
        text = "" if shown is None else shown.decode("ascii", "replace").strip()
        known, judged_at = load_known(trust), read_at(at)
        issuers = load_issuers([] if keys is None else [keys], known, "--keys")
        found = verify(text, known.trust, issuers, judged_at, binding=binding)
        report = while_known(found.report, known.trust, judged_at, is_by_clock=at is None)
    except UnusableArgumentError as error:
        raise _usage(str(error)) from None
    except OSError as error:
        raise _usage(f"{error.filename}: {error.strerror}") from None
    language = language_of_reader()
    if as_json:
        from crypto.report_json import write_report

        print_json(write_report(file.name, report, language) | {"claims": found.claims, "holder": found.holder})
    else:
        from yinxin.commands.verdict_display import printable, show_verdict

        for name, value in (found.claims or {}).items():
            if name not in {"cnf", "status"}:
                print_line(f"{name}: {printable(json.dumps(value, ensure_ascii=False))}")
        show_verdict(file.name, report, language)
    raise typer.Exit(exit_status([report.verdict.value], was_unreadable=False))


def _usage(message: str) -> typer.Exit:
    typer.echo(f"yinxin licence: {message}", err=True)
    return typer.Exit(EXIT_USAGE)


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
    from standards.gbt36904_licence_number import NumberVerdict
    from yinxin.commands.reader_language import language_of_reader

    number = findings.number
    if number is None:
        from licence_vault import messages  # noqa: F401 - importing them enters their codes; the whole catalogue costs seconds
        from service_kit.problem_catalogue import text_of

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
