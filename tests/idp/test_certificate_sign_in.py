"""Signing in by the certificate in one's hand (UKey): a signature over a one-use text, judged by the verifier of all signatures."""

from __future__ import annotations

import base64
import html
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat, PublicFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509 import load_der_x509_certificate
from typer.testing import CliRunner, Result

import idp.service
from crypto import cms, digests
from crypto.authority import Profile, RevokedCertificate
from crypto.certificate_requests import SubjectRequest
from crypto.keys import write_private_key
from crypto.password_encryption import encrypt_private_key
from crypto.signatures import digest_oid_of
from crypto.sm2 import SM2PrivateKey
from idp.credentials.certificates import ANSWER_CHARACTERS_MAX, certificate_of, read_challenge, text_to_sign
from idp.model.requests import ClientProfile
from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import TrustError
from standards.rfc7468_pem import write_pem
from tests.crypto.cms_surgery import Parts, changed, resigned
from tests.deployments import make_deployment, served_here
from tests.idp.people import Browser, Registered, Town, settle
from tests.pki import DemoPki, name_der, signer_for
from yinxin.command_line import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crypto.certificates import Certificate
    from crypto.trust_list import TrustList

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


class Hall:
    """The provider, the authority it trusts, and UKeys."""

    def __init__(self, town: Town, pki: DemoPki) -> None:
        self.town = town
        self.pki = pki

    def trust(self) -> TrustList:
        return self.pki.trust_list()

    def certificate(self, name: str, *, pki: DemoPki | None = None, until: datetime = NOW + 90 * DAY) -> Certificate:
        request = SubjectRequest(name_der(name), signer_for(f"ukey {name}").public_spki_der)
        return (pki or self.pki).issuing.issue(request, Profile.SEAL_SIGNING, not_before=NOW - 30 * DAY, not_after=until)

    def sign(self, text: str, certificate: Certificate, *, claimed_at: datetime = NOW, pki: DemoPki | None = None) -> str:
        signer = signer_for(f"ukey {certificate.common_name}")
        oid = digest_oid_of(signer.algorithm)
        made = cms.sign_detached(
            content_digest=digests.digest(oid, text.encode()),
            digest_oid=oid,
            signer=signer,
            signer_certificate=certificate,
            chain=(pki or self.pki).chain,
            signing_time=claimed_at,
        )
        return base64.b64encode(made).decode()

    def entered(self, login: str, name: str) -> tuple[Browser, Certificate]:
        self.town.person(login, name=name, level=4)
        certificate = self.certificate(name)
        browser = Browser(self.town.here)
        browser.go("/keys")
        browser.log_in(login)
        browser.submit("certificate", challenge=challenge_of(browser), answer=self.sign(text_of(browser), certificate))
        assert browser.answer.status_code == 200, browser.answer.text
        assert "Certificate · " in browser.answer.text
        return browser, certificate

    def at_sign_in(self, **query: str) -> Browser:
        browser = Browser(self.town.here)
        browser.authorize("own", **query)
        browser.go(browser.path + "?method=certificate")
        assert browser.heading == "Sign in with a certificate"
        return browser

    def show(self, certificate: Certificate, browser: Browser | None = None, **bent: datetime) -> bool:
        browser = browser or self.at_sign_in()
        browser.submit("certificate", challenge=challenge_of(browser), answer=self.sign(text_of(browser), certificate, **bent))  # type: ignore[arg-type]
        return is_in(browser)

    @property
    def reason(self) -> str:
        return str(json.loads(self.town.audited("sign-in.show")[-1])["facts"].get("reason"))


def challenge_of(browser: Browser) -> str:
    found = re.search(r'name="challenge" value="([^"]+)"', browser.answer.text)
    assert found, browser.answer.text
    return found[1]


def text_of(browser: Browser) -> str:
    found = re.search(r"<textarea [^>]*readonly>(.*?)</textarea>", browser.answer.text, re.DOTALL)
    assert found, browser.answer.text
    return html.unescape(found[1])


def is_in(browser: Browser) -> bool:
    return browser.answer.status_code == 303 and "code=" in browser.answer.headers["location"]


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    protocol = Registered({"own": ClientProfile("own", "Own portal", is_own=True)})
    pki = DemoPki.create(NOW, label="ukeys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(idp.service, "sign_in_protocol", lambda _context: protocol)
        made = idp.service.people_desk
        patch.setattr(idp.service, "people_desk", lambda context: made(replace(context, trust=pki.trust_list)))
        with served_here(make_deployment(tmp_path_factory.mktemp("ukeys") / "deployment", services=["idp"])) as here:
            yield Hall(settle(here, protocol), pki)


def test_a_certificate_is_level_four_and_two_factors(hall: Hall) -> None:
    _, certificate = hall.entered("zheng", "证书持有人甲")
    browser = hall.at_sign_in(acr_values="urn:yinxin:loa:4")
    assert "Yinxin sign-in" in text_of(browser)
    assert hall.town.desk.issuer in text_of(browser)
    assert hall.show(certificate, browser)
    who = hall.town.protocol.issued[-1]
    assert who.acr == "urn:yinxin:loa:4"
    assert who.amr == ("sc", "mfa")


def test_an_answer_counts_once_and_only_where_it_was_asked(hall: Hall) -> None:
    _, certificate = hall.entered("einmal", "证书持有人乙")
    browser, other = hall.at_sign_in(), hall.at_sign_in()
    challenge, text, path, csrf = challenge_of(browser), text_of(browser), browser.path.partition("?")[0], browser.csrf
    answer = hall.sign(text, certificate)
    other.submit("certificate", challenge=challenge, answer=answer)  # to another sign-in's challenge
    assert not is_in(other)
    assert hall.reason == "challenge"
    browser.submit("certificate", challenge=challenge, answer=base64.b64encode(b"no signature").decode())
    assert hall.reason == "wrong"
    browser.send("POST", f"{path}/certificate", data={"csrf": csrf, "challenge": challenge, "answer": answer})  # used up by the wrong one
    assert browser.answer.status_code == 401
    assert hall.reason == "challenge"
    assert browser.heading == "Sign in with a certificate"
    assert hall.show(certificate, browser)


def test_what_is_signed_is_this_text(hall: Hall) -> None:
    _, certificate = hall.entered("text", "证书持有人丙")
    browser = hall.at_sign_in()
    text = text_of(browser)
    for signed in (text + "\n", text.replace(hall.town.desk.issuer, "https://evil.example"), "a contract", ""):
        browser.submit("certificate", challenge=challenge_of(browser), answer=hall.sign(signed, certificate))
        assert not is_in(browser)
        assert hall.reason in {"wrong", "locked"}


def enclosing(parts: Parts, content: bytes) -> None:
    """Put content inside, and leave it at that: no signed attributes."""
    parts.signer.attributes = None
    parts.content = der.sequence(der.oid(oids.CMS_DATA), der.explicit(0, der.octet_string(content)))


def signed_directly(hall: Hall, certificate: Certificate, content: bytes) -> bytes:
    """The holder's signature over content that stands inside, without signed attributes, as older programs make it."""
    signer = signer_for(f"ukey {certificate.common_name}")
    given = base64.b64decode(hall.sign("anything", certificate))
    return resigned(given, lambda parts: enclosing(parts, content), lambda _: signer.sign(content))


def test_no_other_signature_of_the_holder_signs_in(hall: Hall) -> None:
    """Whoever has a document that somebody sealed has a signature of his; it must not be one over the text that is asked now."""
    _, certificate = hall.entered("replay", "签名被借用者")
    sealed = base64.b64decode(hall.sign("any document", certificate))
    borrowed = [
        changed(sealed, lambda parts: enclosing(parts, parts.signer.to_be_signed)),  # its signed attributes as if they were the content
        signed_directly(hall, certificate, b"any document"),
        signed_directly(hall, certificate, text_to_sign("https://elsewhere.example", bytes(56)).encode()),
    ]
    for answer in borrowed:
        browser = hall.at_sign_in()
        text = text_of(browser)
        browser.submit("certificate", challenge=challenge_of(browser), answer=base64.b64encode(answer).decode())
        assert not is_in(browser)
        assert hall.reason == "wrong"
        with pytest.raises(TrustError, match="wrong"):
            certificate_of(base64.b64encode(answer).decode(), text, hall.trust(), NOW)
    # the same form over the text itself is one of those that are taken
    text = text_of(hall.at_sign_in())
    direct = signed_directly(hall, certificate, text.encode())
    assert certificate_of(base64.b64encode(direct).decode(), text, hall.trust(), NOW) == certificate


def test_certificates_that_do_not_count(hall: Hall) -> None:
    name = "证书持有人丁"
    browser, certificate = hall.entered("ding", name)
    elsewhere = DemoPki.create(NOW, label="elsewhere")
    # 1. Not entered, of another authority, expired (whatever time its holder claims)
    assert not hall.show(hall.certificate(name))
    assert hall.reason == "unknown"
    shown = hall.at_sign_in()
    shown.submit(
        "certificate",
        challenge=challenge_of(shown),
        answer=hall.sign(text_of(shown), hall.certificate(name, pki=elsewhere), pki=elsewhere),
    )
    assert not is_in(shown)
    assert hall.reason == "untrusted"
    assert not hall.show(hall.certificate(name, until=NOW - DAY), claimed_at=NOW - 5 * DAY)
    assert hall.reason == "untrusted"
    # 2. Revoked meanwhile, however early the claimed time
    hall.pki.revoked.append(RevokedCertificate(certificate.serial, NOW - timedelta(hours=30), "keyCompromise"))
    try:
        assert not hall.show(certificate, claimed_at=NOW - 10 * DAY)
        assert hall.reason == "untrusted"
    finally:
        hall.pki.revoked.clear()
    assert hall.show(certificate)
    # 3. Taken off the account
    browser.go("/keys")
    browser.submit("remove")
    assert not hall.show(certificate)
    assert hall.reason == "unknown"


def test_a_certificate_is_entered_by_its_holder_for_his_own_account(hall: Hall) -> None:
    _, taken = hall.entered("wuwu", "证书持有人戊")
    hall.town.person("jiji", name="证书持有人己")
    browser = Browser(hall.town.here)
    browser.go("/keys")
    browser.log_in("jiji")
    for certificate, signed, status in (
        (taken, None, 422),  # names somebody else
        (hall.certificate("证书持有人己"), "another text", 422),
        (hall.certificate("证书持有人己", until=NOW - DAY), None, 422),
    ):
        browser.submit("certificate", challenge=challenge_of(browser), answer=hall.sign(signed or text_of(browser), certificate))
        assert browser.answer.status_code == status
        assert "None yet." in browser.answer.text
    own = hall.certificate("证书持有人己")
    challenge, answer = challenge_of(browser), hall.sign(text_of(browser), own)
    browser.submit("certificate", challenge=challenge, answer=answer)
    assert browser.answer.status_code == 200
    browser.go("/keys")  # the new certificate is a second factor of the next sign-in, not of this one
    browser.submit("certificate", challenge=challenge, answer=answer)  # a replay
    assert browser.answer.status_code == 422
    browser.submit("certificate", challenge=challenge_of(browser), answer=hall.sign(text_of(browser), own))
    assert browser.answer.status_code == 409


def test_as_a_second_factor_it_is_the_accounts_own(hall: Hall) -> None:
    _, own = hall.entered("geng", "证书持有人庚")
    _, stranger = hall.entered("xin", "证书持有人辛")
    browser = Browser(hall.town.here)
    browser.authorize("own", acr_values="urn:yinxin:loa:4")
    browser.log_in("geng")
    assert browser.heading == "One more step"
    browser.go(browser.path + "?method=certificate")
    assert not hall.show(stranger, browser)
    assert hall.reason == "of another account"
    assert hall.show(own, browser)


@pytest.mark.parametrize("answer", ["", "%%%", "AAAA", "-----BEGIN CMS-----\nAAAA\n-----END CMS-----", "A" * (ANSWER_CHARACTERS_MAX + 1)])
def test_hostile_answers_are_refused(answer: str) -> None:
    with pytest.raises(TrustError, match="CREDENTIAL_UNUSABLE"):
        certificate_of(answer, text_to_sign("https://id.example", bytes(56)), DemoPki.create(NOW, label="ukeys").trust_list(), NOW)


def test_pem_and_base64_in_lines_are_read(hall: Hall) -> None:
    text = text_to_sign("https://id.example", bytes(56))
    certificate = hall.certificate("证书持有人壬")
    answer = hall.sign(text, certificate)
    lines = "\n".join(answer[at : at + 64] for at in range(0, len(answer), 64))
    for form in (lines, f"-----BEGIN CMS-----\n{lines}\n-----END CMS-----\n"):
        assert certificate_of(form, text, hall.trust(), NOW) == certificate
    assert read_challenge("%") == b""


def test_who_has_no_ukey_signs_with_a_file(hall: Hall, tmp_path: Path) -> None:
    name = "证书持有人癸"
    browser = Browser(hall.town.here)
    hall.town.person("gui", name=name, level=4)
    browser.go("/keys")
    browser.log_in("gui")
    private_key = SM2PrivateKey.generate()
    certificate = hall.pki.issuing.issue(
        SubjectRequest(name_der(name), private_key.public_key.spki_der), Profile.SEAL_SIGNING, not_before=NOW - DAY, not_after=NOW + DAY
    )
    files = {part: tmp_path / part for part in ("key", "sealed", "pem", "other", "password", "text")}
    files["key"].write_bytes(write_pem("PRIVATE KEY", write_private_key(private_key)))
    files["sealed"].write_bytes(encrypt_private_key(write_private_key(private_key), b"secret", iterations=1000))
    files["pem"].write_bytes(b"".join(write_pem("CERTIFICATE", each.der) for each in (*hall.pki.chain, certificate)))
    files["other"].write_bytes(write_pem("CERTIFICATE", hall.pki.chain[0].der))
    files["password"].write_text("secret\r\nsecond line\n", encoding="utf-8")

    def signed(text: str, key: str = "key", pem: str = "pem", *more: str) -> Result:
        files["text"].write_bytes(text.encode())
        return CliRunner().invoke(app, ["sign-challenge", str(files["text"]), "--key", str(files[key]), "--certificate", str(files[pem]), *more])  # fmt: skip

    # 1. Entered and used, the text as a console on Windows may hand it on
    entered = signed(text_of(browser).replace("\n", "\r\n") + "\r\n")
    assert entered.stdout.count("\n") > 10, "the form takes what has many lines"
    assert (entered.exit_code, hall.town.desk.issuer in entered.stderr, name in entered.stderr) == (0, True, True), entered.output
    browser.submit("certificate", challenge=challenge_of(browser), answer=entered.stdout)
    assert browser.answer.status_code == 200, browser.answer.text
    sign_in = hall.at_sign_in(acr_values="urn:yinxin:loa:4")
    answer = signed(text_of(sign_in), "sealed", "pem", "--password-file", str(files["password"]))
    sign_in.submit(
        "certificate", challenge=challenge_of(sign_in), answer=answer.stdout + "\r\n" * 2000
    )  # 12 KB: more than forms of clients
    assert is_in(sign_in)
    # 2. Nothing else is signed, and no certificate but the key's
    text = text_of(browser)
    for bent in ("", "a contract", text + "\nmore", "x" + text, text.replace("Yinxin", "yinxin"), text.replace("http", "ftp"), text * 9):
        assert (signed(bent).exit_code, "CHALLENGE_TEXT_INVALID" in signed(bent).stderr) == (64, True)
    assert "CERTIFICATE_OF_KEY_MISSING" in signed(text, pem="other").stderr
    assert signed(text, key="password").exit_code == 64
    # 3. A file with key and certificates, the text from the console
    own = ec.generate_private_key(ec.SECP256R1())
    request = SubjectRequest(name_der(name), own.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    theirs = hall.pki.issuing.issue(request, Profile.SEAL_SIGNING, not_before=NOW - DAY, not_after=NOW + DAY)
    sealing = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(1000).build(b"p")
    files["key"].write_bytes(serialize_key_and_certificates(b"n", own, load_der_x509_certificate(theirs.der), None, sealing))
    packed = CliRunner().invoke(app, ["sign-challenge", "-", "--key", str(files["key"])], input=f"{text}\np\n")
    assert packed.exit_code == 64, "the console's text ends where its end is sent, and no password is read from it"
    files["password"].write_text("p", encoding="utf-8")
    packed = CliRunner().invoke(app, ["sign-challenge", "-", "--key", str(files["key"]), "--password-file", str(files["password"])], input=text)  # fmt: skip
    assert certificate_of(packed.stdout, text, hall.trust(), NOW) == theirs
    missing = CliRunner().invoke(app, ["sign-challenge", str(tmp_path / "none"), "--key", str(files["key"])])
    assert "FILE_UNREADABLE" in missing.stderr
