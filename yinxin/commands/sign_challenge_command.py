"""``yinxin sign-challenge``: signs the text of a certificate sign-in with a key in a file, for whoever tries it without a UKey.

It signs nothing but such a text, so that it cannot be used to have a document signed under another name, and says whose text it is.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from standards.errors import Kind, TrustError
from yinxin.commands.console import fail, print_line, say

if TYPE_CHECKING:
    from crypto.certificates import Certificate
    from crypto.signer import PrivateKey

FILE_BYTES_MAX: Final = 256 * 1024
TEXT_BYTES_MAX: Final = 4 * 1024
_STANDARD_INPUT: Final = "-"
_LINE: Final = 64


def sign_challenge(
    *,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="File with the text of the page; - reads it here. 待签名文字的文件。")],
    key: Annotated[Path, typer.Option(help="PKCS #12 with certificate, or PKCS #8 (PEM or DER). 私钥文件。")],
    certificate: Annotated[
        Path | None, typer.Option(help="The key's certificate and its chain, PEM; PKCS #12 has its own. 证书文件。")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="First line: the password of the key file; asked for where missing. 密码文件。")
    ] = None,
) -> None:
    """Sign the text of a certificate sign-in with a key file; what to paste is printed. 用密钥文件签署证书登录文字。"""
    from crypto import cms
    from crypto.digests import digest
    from crypto.signatures import digest_oid_of
    from crypto.signer import software_signer
    from idp.credentials.certificates import issuer_in

    try:
        # 1. The text, and that it is one of a sign-in
        given = sys.stdin.buffer.read(TEXT_BYTES_MAX + 1) if text == _STANDARD_INPUT else _read(Path(text), TEXT_BYTES_MAX)
        written = given.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n")
        issuer = issuer_in(written)
        if issuer is None:
            raise TrustError(Kind.UNACCEPTABLE, "CHALLENGE_TEXT_INVALID")
        # 2. The key and who holds it
        private_key, chain = _open(key, certificate, password_file)
        signer = software_signer(private_key, key.name, verify_after_sign=True)
        own = next((each for each in chain if each.spki_der == signer.public_spki_der), None)
        if own is None:
            raise TrustError(Kind.UNACCEPTABLE, "CERTIFICATE_OF_KEY_MISSING", path=str(certificate or key))
        # 3. The signature; the time is the deployment's to judge, so none is claimed
        oid = digest_oid_of(signer.algorithm)
        made = cms.sign_detached(
            content_digest=digest(oid, written.encode()),
            digest_oid=oid,
            signer=signer,
            signer_certificate=own,
            chain=[each for each in chain if each is not own],
        )
    except TrustError as error:
        raise fail(error) from None
    subject = own.subject_text
    typer.echo(say(f"Signs {subject} in at {issuer}.", f"以 {subject} 的身份登录 {issuer}。"), err=True)
    body = base64.b64encode(made).decode("ascii")
    print_line("\n".join(body[at : at + _LINE] for at in range(0, len(body), _LINE)))


def _open(key: Path, certificate: Path | None, password_file: Path | None) -> tuple[PrivateKey, list[Certificate]]:
    """The key and certificates of the files. Without a file of certificates the key's is PKCS #12."""
    from crypto.certificates import Certificate
    from crypto.keys import read_pkcs12, read_private_key
    from standards.rfc7468_pem import CERTIFICATE, read_pem

    data = _read(key, FILE_BYTES_MAX)
    if certificate is None:
        private_key, found = read_pkcs12(data, _password(password_file))
        return private_key, [Certificate.from_der(each) for each in found]
    chain = [Certificate.from_der(der) for label, der in read_pem(_read(certificate, FILE_BYTES_MAX)) if label == CERTIFICATE]
    try:
        return read_private_key(data), chain
    except TrustError as error:
        if error.code != "PASSWORD_NEEDED":
            raise
    return read_private_key(data, _password(password_file)), chain


def _password(file: Path | None) -> bytes:
    if file is None:
        return str(typer.prompt(say("Password of the key file", "密钥文件密码"), hide_input=True, err=True)).encode()
    return _read(file, FILE_BYTES_MAX).split(b"\n", 1)[0].rstrip(b"\r")


def _read(path: Path, most: int) -> bytes:
    """A file of at most so many bytes; what is longer is cut, and then is nothing that can be read. FILE_UNREADABLE."""
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise TrustError(Kind.UNACCEPTABLE, "FILE_UNREADABLE", path=str(path), reason=error.strerror) from None
