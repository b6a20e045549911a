"""``yinxin ca``: the built-in certification authority."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from standards.errors import Kind, TrustError
from yinxin.commands.console import DIR_HELP, JSON_HELP, check_folder, fail, operator, print_json, print_line, print_table, say, unwritten

if TYPE_CHECKING:
    from yinxin.assembly import House

app: Final = typer.Typer(no_args_is_help=True, help="The built-in certification authority. 内置证书机构。")

Folder = Annotated[Path, typer.Option("--dir", help=DIR_HELP)]
AsJson = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
LISTED: Final = 1000
REQUEST_BYTES_MAX: Final = 256 * 1024


class Purpose(StrEnum):
    """What a certificate can be requested for."""

    SEAL_SIGNING = "seal-signing"
    SEAL_ENCRYPTION = "seal-encryption"
    SEAL_MAKER = "seal-maker"
    TSA = "tsa"
    OCSP_RESPONDER = "ocsp-responder"


class Service(StrEnum):
    """The authority's own services."""

    TSA = "tsa"
    OCSP = "ocsp"
    SEAL_MAKER = "seal-maker"


def _open(folder: Path) -> House:
    from yinxin.assembly import open_house
    from yinxin.deployment import open_deployment

    check_folder(folder)
    return open_house(open_deployment(folder))


@app.command("show")
def show_authority(*, folder: Folder, as_json: AsJson = False) -> None:
    """Show the authority's own certificates. 查看机构证书。"""
    from yinxin.deployment import open_deployment
    from yinxin.pki.authorities import NAMES, load_own_certificate
    from yinxin.pki.model import write_serial

    try:
        check_folder(folder)
        deployment = open_deployment(folder)
        found = [(name, load_own_certificate(deployment, name)) for name in NAMES]
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    rows = [
        {
            "name": name,
            "subject": certificate.subject_text,
            "serial": write_serial(certificate.serial),
            "not_before": certificate.not_before.isoformat(),
            "not_after": certificate.not_after.isoformat(),
            "sm3": certificate.fingerprint,
            "path": str(deployment.certificate_path(name)),
        }
        for name, certificate in found
    ]
    if as_json:
        print_json({"certificates": rows})
        return
    headings = (say("Certificate", "证书"), say("Subject", "主体"), say("Valid until", "有效期至"), "SM3")
    print_table(headings, [(row["name"], row["subject"], row["not_after"][:10], row["sm3"][:16]) for row in rows])


@app.command("list")
def list_issued(*, folder: Folder, as_json: AsJson = False) -> None:
    """List what the authority has issued, newest first. 列出已签发的证书。"""
    from yinxin.pki.store import list_certificates

    try:
        house = _open(folder)
        try:
            with house.context.database.read() as connection:
                found = list_certificates(connection, limit=LISTED)
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    rows = [
        {
            "serial": record.serial_hex,
            "state": record.state.value,
            "profile": record.profile,
            "subject": record.subject,
            "not_after": record.not_after.isoformat(timespec="seconds"),
            "revoked_at": None if record.revoked_at is None else record.revoked_at.isoformat(timespec="seconds"),
            "reason": record.reason,
        }
        for record in found
    ]
    if as_json:
        print_json({"certificates": rows})
        return
    headings = (say("Serial", "序列号"), say("State", "状态"), say("For", "用途"), say("Subject", "主体"))
    print_table(headings, [(str(row["serial"]), str(row["state"]), str(row["profile"]), str(row["subject"])) for row in rows])


@app.command("issue")
def issue(
    *,
    request: Annotated[Path, typer.Argument(metavar="REQUEST", help="PKCS #10 request, PEM or DER. 证书申请文件。")],
    folder: Folder,
    out: Annotated[Path, typer.Option(help="Where the certificate and its chain are written, PEM. 证书输出文件。")],
    purpose: Annotated[Purpose, typer.Option(help="What the certificate is for. 证书用途。")] = Purpose.SEAL_SIGNING,
    as_json: AsJson = False,
) -> None:
    """Certify a request that proves possession of its key. 依据证书申请签发证书。"""
    from crypto.authority import Profile
    from service_kit.durable_files import PUBLIC_MODE, write_durably
    from standards.rfc7468_pem import CERTIFICATE, is_pem, read_pem, write_pem
    from yinxin.pki.actions.issue_certificate import issue_certificate

    try:
        try:
            with request.open("rb") as file:
                data = file.read(REQUEST_BYTES_MAX)
        except OSError as error:
            raise TrustError(Kind.UNACCEPTABLE, "FILE_UNREADABLE", path=str(request), reason=error.strerror) from None
        request_der = read_pem(data)[0][1] if is_pem(data) else data
        house = _open(folder)
        try:
            authorities = house.authorities
            certificate = issue_certificate(house.register, authorities.issuing, request_der, Profile(purpose.value), actor=operator())
        finally:
            house.close()
        pem = b"".join(write_pem(CERTIFICATE, each.der) for each in (certificate, *authorities.chain()))
        try:
            write_durably(out, pem, mode=PUBLIC_MODE)
        except OSError as error:
            raise unwritten(error, out) from None
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json({"serial": f"{certificate.serial:x}", "subject": certificate.subject_text, "path": str(out)})
        return
    print_line(
        say(f"Issued {certificate.serial:x} for {certificate.subject_text}", f"已签发 {certificate.serial:x}：{certificate.subject_text}")
    )


@app.command("revoke")
def revoke(
    *,
    serial: Annotated[str, typer.Argument(metavar="SERIAL", help="Hexadecimal. 十六进制序列号。")],
    folder: Folder,
    reason: Annotated[str, typer.Option(help="RFC 5280 5.3.1, such as keyCompromise. 吊销原因。")] = "unspecified",
    as_json: AsJson = False,
) -> None:
    """Revoke a certificate and publish the list that says so. 吊销证书并发布吊销列表。"""
    from yinxin.pki.actions.revoke_certificate import revoke_certificate
    from yinxin.pki.model import read_serial

    try:
        number = read_serial(serial)
        house = _open(folder)
        try:
            record = revoke_certificate(house.register, house.authorities, number, reason=reason, actor=operator())
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json({"serial": record.serial_hex, "state": record.state.value, "reason": record.reason})
        return
    print_line(say(f"Revoked {record.serial_hex}", f"已吊销 {record.serial_hex}"))


@app.command("crl")
def publish_lists(*, folder: Folder, as_json: AsJson = False) -> None:
    """Publish new revocation lists now. 立即发布吊销列表。"""
    from yinxin.pki.actions.publish_list import publish_list
    from yinxin.pki.authorities import ISSUING, ROOT

    try:
        house = _open(folder)
        try:
            published = [publish_list(house.register, house.authorities.by_name(name), name, actor=operator()) for name in (ROOT, ISSUING)]
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    rows = [{"issuer": each.issuer, "number": each.number, "next_update": each.next_update_at.isoformat()} for each in published]
    if as_json:
        print_json({"lists": rows})
        return
    for row in rows:
        print_line(
            say(
                f"{row['issuer']}: list {row['number']}, good until {row['next_update']}",
                f"{row['issuer']}：第 {row['number']} 号列表，有效至 {row['next_update']}",
            )
        )


@app.command("renew")
def renew(
    *,
    service: Annotated[Service, typer.Argument(help="Whose certificate. 更新哪个证书。")],
    folder: Folder,
    as_json: AsJson = False,
) -> None:
    """Issue a new certificate for the time-stamp or OCSP service's key. Start the server again afterwards. 更新服务证书。"""
    from yinxin.initialise import renew_service_certificate

    try:
        house = _open(folder)
        try:
            certificate = renew_service_certificate(house, service.value, actor=operator())
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    if as_json:
        print_json({"name": service.value, "serial": f"{certificate.serial:x}", "not_after": certificate.not_after.isoformat()})
        return
    until = certificate.not_after.date().isoformat()
    print_line(say(f"{service.value}: good until {until}. Start the server again.", f"{service.value}：有效期至 {until}。请重启服务。"))
