"""The built-in authority over HTTP and in its register, examined by implementations that are not ours."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp

from crypto.authority import Profile
from crypto.certificate_requests import create_request
from crypto.path import validate_path
from crypto.revocation import RevocationEvidence
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from crypto.timestamps import TimeStampClient, build_request, verify_token
from crypto.trust_list import Purpose
from service_kit.migrations import differences
from standards import gbt33560_oids as oids
from standards.errors import TrustError
from standards.rfc3161_timestamp import read_response
from standards.rfc6960_ocsp import write_ocsp_request
from tests.audit_trail import blocked
from tests.optional import need_program
from tests.pki import cert_id_der
from yinxin.pki import store
from yinxin.pki.actions.issue_certificate import issue_certificate
from yinxin.pki.actions.publish_list import publish_list, renew_list
from yinxin.pki.actions.revoke_certificate import give_up_unfinished
from yinxin.pki.model import (
    TRANSITIONS,
    CertificateState,
    RevocationListRecord,
    is_renewal_due,
    read_serial,
    subject_name,
    write_serial,
)
from yinxin.pki.service import build
from yinxin.pki.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crypto.certificates import Certificate
    from tests.deployments import Here

OCSP = {"content-type": "application/ocsp-request"}
TSA = {"content-type": "application/timestamp-query"}


def issue(here: Here, name: str = "3101010000001") -> Certificate:
    key = SM2PrivateKey.generate()
    return here.house.context.issuer.issue(
        common_name=name, organisation="测试单位", spki_der=key.public_key.spki_der, profile=Profile.SEAL_SIGNING, actor="test"
    )


def ask_status(here: Here, certificate: Certificate, nonce: bytes | None = None) -> asn1_ocsp.OCSPResponse:
    issuing = here.house.authorities.certificates["issuing"]
    request = write_ocsp_request([cert_id_der(certificate, issuing)], nonce)
    answer = here.http.post("/ocsp", content=request, headers=OCSP)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/ocsp-response"
    return asn1_ocsp.OCSPResponse.load(answer.content)


def audited(here: Here, action: str) -> list[tuple[str, str]]:
    with here.house.context.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT entry FROM kit_audit WHERE action = ? ORDER BY position", (action,)).all()
    from service_kit.audit import read_entry

    return [(entry.subject, entry.outcome) for entry in (read_entry(bytes(row[0])) for row in rows)]


def test_an_issued_certificate_is_valid_and_recorded_before_and_after(here: Here) -> None:
    certificate = issue(here)
    now = datetime.now(UTC)
    trust = here.house.context.trust()
    result = validate_path(
        certificate, intermediates=(), trust=trust, purpose=Purpose.DOCUMENT, at=now, evidence=RevocationEvidence((), ())
    )
    assert result.trusted is True, result.steps
    subject = f"certificate:{write_serial(certificate.serial)}"
    assert [outcome for named, outcome in audited(here, "certificate.issue") if named == subject] == ["intended", "done"]
    assert certificate.crl_urls == ("http://127.0.0.1:8600/ca/issuing.crl",)
    assert certificate.ocsp_urls == ("http://127.0.0.1:8600/ocsp",)


def test_a_revocation_is_in_ocsp_list_file_and_trust_at_once(here: Here) -> None:
    certificate = issue(here)
    assert (
        ask_status(here, certificate)["response_bytes"]["response"].parsed["tbs_response_data"]["responses"][0]["cert_status"].name
        == "good"
    )
    before = here.house.context.trust()
    here.house.context.issuer.revoke(certificate.serial, reason="keyCompromise", actor="test")
    single = ask_status(here, certificate)["response_bytes"]["response"].parsed["tbs_response_data"]["responses"][0]
    assert single["cert_status"].name == "revoked"
    assert single["cert_status"].chosen["revocation_reason"].native == "key_compromise"
    for crl_der in (here.http.get("/ca/issuing.crl").content, (here.folder / "ca" / "issuing.crl").read_bytes()):
        entries = asn1_crl.CertificateList.load(crl_der)["tbs_cert_list"]["revoked_certificates"]
        assert [entry["user_certificate"].native for entry in entries] == [certificate.serial]
    after = here.house.context.trust()
    assert after is not before
    assert after is here.house.context.trust(), "made once per list"
    with pytest.raises(TrustError, match="CERTIFICATE_UNKNOWN"):
        here.house.context.issuer.revoke(12345, reason="keyCompromise", actor="test")
    other = issue(here, "3101010000002")
    with pytest.raises(TrustError, match="REVOCATION_REASON_UNKNOWN"):
        here.house.context.issuer.revoke(other.serial, reason="removeFromCRL", actor="test")


def test_what_is_revoked_again_stays_revoked_as_of_then(here: Here) -> None:
    certificate = issue(here)
    here.house.context.issuer.revoke(certificate.serial, reason="keyCompromise", actor="operator")
    with here.house.context.database.read() as connection:
        first = store.load_certificate(connection, certificate.serial)
    here.house.context.issuer.revoke(certificate.serial, reason="cessationOfOperation", actor="sweeper")
    with here.house.context.database.read() as connection:
        assert store.load_certificate(connection, certificate.serial) == first
    assert audited(here, "certificate.revoke") == [(f"certificate:{first.serial_hex}", "done")]


@pytest.mark.clause("RFC 6960 4.2.1", "RFC 6960 4.4.1")
def test_ocsp_repeats_the_nonce_and_says_unknown_of_what_it_never_issued(here: Here) -> None:
    certificate = issue(here)
    response = ask_status(here, certificate, b"0123456789abcdef")
    assert response["response_status"].native == "successful"
    data = response["response_bytes"]["response"].parsed["tbs_response_data"]
    nonces = [each["extn_value"].parsed.native for each in data["response_extensions"] if each["extn_id"].native == "nonce"]
    assert nonces == [b"0123456789abcdef"]
    issuing = here.house.authorities.certificates["issuing"]
    stranger = cert_id_der(issuing, here.house.authorities.certificates["root"])
    unknown = asn1_ocsp.OCSPResponse.load(here.http.post("/ocsp", content=write_ocsp_request([stranger]), headers=OCSP).content)
    assert unknown["response_bytes"]["response"].parsed["tbs_response_data"]["responses"][0]["cert_status"].name == "unknown"
    assert len(audited(here, "status.answer")) == 2


@pytest.mark.clause("RFC 6960 A.1")
def test_a_short_ocsp_request_may_stand_in_the_address(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Java puts it there (Base64 with every sign of it escaped), and as others do, who leave what may stand in an address."""
    certificate, issuing = issue(here), here.house.authorities.certificates["issuing"]
    for digest_oid in (oids.SHA1, oids.SM3):
        asked = b64encode(write_ocsp_request([cert_id_der(certificate, issuing, digest_oid)])).decode()
        for path in (quote(asked, safe=""), quote(asked, safe="/+=")):
            answer = here.http.get("/ocsp/" + path)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/ocsp-response")
            said = asn1_ocsp.OCSPResponse.load(answer.content)["response_bytes"]["response"].parsed["tbs_response_data"]["responses"][0]
            assert said["cert_status"].name == "good"
    assert len(audited(here, "status.answer")) == 4
    for path in ("junk!", "MAMBAQA=", "%00", "{}"):
        assert asn1_ocsp.OCSPResponse.load(here.http.get("/ocsp/" + path).content)["response_status"].native == "malformed_request"
    assert here.http.get("/ocsp/" + "A" * 2000).status_code in {400, 422}
    monkeypatch.setattr("yinxin.pki.api.monotonic", lambda: 0.0)  # the pace of this machine does not matter
    assert [here.http.get("/ocsp/AAAA").status_code for _ in range(260)].count(429) >= 60


def test_what_ocsp_cannot_read_is_said_so_and_not_signed(here: Here) -> None:
    response = asn1_ocsp.OCSPResponse.load(here.http.post("/ocsp", content=b"\x30\x03junk", headers=OCSP).content)
    assert response["response_status"].native == "malformed_request"
    assert audited(here, "status.answer") == []


@pytest.mark.clause("RFC 3161 3.4")
def test_a_time_stamp_over_http(here: Here) -> None:
    def send(request_der: bytes) -> bytes:
        answer = here.http.post("/tsa", content=request_der, headers=TSA)
        assert answer.headers["content-type"] == "application/timestamp-reply"
        return answer.content

    token = TimeStampClient(send, here.house.context.trust()).stamp(b"signature value")
    result = verify_token(token, b"signature value", here.house.context.trust(), datetime.now(UTC), RevocationEvidence((), ()))
    assert result.cryptographically_valid
    assert result.trusted is True
    assert len(audited(here, "time-stamp.issue")) == 1
    refused = here.http.post("/tsa", content=b"junk", headers=TSA).content
    assert read_response(refused).status == 2
    assert len(audited(here, "time-stamp.issue")) == 1


def test_a_time_stamp_that_openssl_reads(here: Here, tmp_path: Path) -> None:
    openssl = need_program("openssl")
    request = build_request(b"\x01" * 32, oids.SHA256)
    (tmp_path / "r.tsr").write_bytes(here.http.post("/tsa", content=request, headers=TSA).content)
    shown = subprocess.run([openssl, "ts", "-reply", "-in", str(tmp_path / "r.tsr"), "-text"], capture_output=True, text=True, check=True)
    assert "Status: Granted" in shown.stdout


@pytest.mark.parametrize("path", ["/ocsp", "/tsa"])
def test_attack_on_the_signing_addresses(here: Here, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yinxin.pki.api.monotonic", lambda: 0.0)  # the pace of this machine does not matter
    headers = OCSP if path == "/ocsp" else TSA
    assert here.http.post(path, content=b"x", headers={"content-type": "text/html"}).json()["code"] == "MEDIA_TYPE_UNSUPPORTED"
    assert here.http.post(path, content=b"x" * 70_000, headers=headers).status_code == 413
    statuses = [here.http.post(path, content=b"x", headers=headers).status_code for _ in range(260)]
    assert statuses.count(429) == 61
    assert 500 not in statuses


def test_nothing_is_signed_when_the_audit_trail_is_blocked(here: Here) -> None:
    certificate = issue(here)
    request = write_ocsp_request([cert_id_der(certificate, here.house.authorities.certificates["issuing"])])
    with blocked():
        assert here.http.post("/ocsp", content=request, headers=OCSP).json()["code"] == "AUDIT_UNAVAILABLE"
        assert here.http.post("/tsa", content=build_request(b"\x01" * 32, oids.SM3), headers=TSA).status_code == 503
        with pytest.raises(TrustError, match="AUDIT_UNAVAILABLE"):
            issue(here, "3101010000003")
        assert here.http.get("/ca/issuing.crl").status_code == 200, "reading goes on"


@pytest.mark.parametrize("name", ["root", "issuing", "tsa", "ocsp", "seal-maker"])
def test_own_certificates_are_served(here: Here, name: str) -> None:
    answer = here.http.get(f"/ca/{name}.cer")
    assert (answer.content, answer.headers["content-type"]) == (here.house.authorities.certificates[name].der, "application/pkix-cert")


def test_openssl_and_asn1crypto_read_lists_and_certificates(here: Here, tmp_path: Path) -> None:
    openssl = need_program("openssl")
    for name in ("root", "issuing"):
        (tmp_path / "l").write_bytes(here.http.get(f"/ca/{name}.crl").content)
        shown = subprocess.run(
            [openssl, "crl", "-inform", "DER", "-in", str(tmp_path / "l"), "-noout", "-text"], capture_output=True, text=True, check=True
        )
        assert "SM2-with-SM3" in shown.stdout
    (tmp_path / "c").write_bytes(here.http.get("/ca/issuing.cer").content)
    subprocess.run([openssl, "x509", "-inform", "DER", "-in", str(tmp_path / "c"), "-noout", "-text"], capture_output=True, check=True)


def test_what_was_begun_and_never_finished_is_revoked(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object, **__: object) -> None:
        raise RuntimeError("the machine stopped here")

    key = SM2PrivateKey.generate()
    with monkeypatch.context() as patched:
        patched.setattr(here.house.authorities.issuing.__class__, "issue", die)
        with pytest.raises(RuntimeError):
            here.house.context.issuer.issue(
                common_name="x", organisation="y", spki_der=key.public_key.spki_der, profile=Profile.SEAL_SIGNING, actor="test"
            )
    desk, authorities = here.house.register, here.house.authorities
    assert give_up_unfinished(desk, authorities, actor="test") == 0, "not yet: it may still be at work"
    assert give_up_unfinished(desk, authorities, actor="test", after=timedelta(seconds=-1)) == 1
    assert [outcome for _, outcome in audited(here, "certificate.issue")][-2:] == ["intended", "voided"]
    entries = asn1_crl.CertificateList.load(here.http.get("/ca/issuing.crl").content)["tbs_cert_list"]["revoked_certificates"]
    assert len(entries) == 1


def test_who_was_given_up_cannot_finish(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, authorities = here.house.register, here.house.authorities
    original = authorities.issuing.__class__.issue

    def slow(*arguments: object, **named: object) -> object:
        give_up_unfinished(desk, authorities, actor="test", after=timedelta(seconds=-1))
        return original(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(authorities.issuing.__class__, "issue", slow)
    with pytest.raises(TrustError, match="CERTIFICATE_STATE_CONFLICT"):
        issue(here)


def test_a_request_from_elsewhere_must_prove_its_key(here: Here) -> None:
    key = SM2PrivateKey.generate()
    request = create_request(software_signer(key, "k"), subject_name("申请人", "单位"))
    desk, issuing = here.house.register, here.house.authorities.issuing
    certificate = issue_certificate(desk, issuing, request, Profile.SEAL_MAKER, actor="test")
    assert certificate.spki_der == key.public_key.spki_der
    broken = request[:-1] + bytes([request[-1] ^ 1])
    with pytest.raises(TrustError, match=r"CSR_SIGNATURE_BAD|SM2_SIGNATURE"):
        issue_certificate(desk, issuing, broken, Profile.SEAL_MAKER, actor="test")
    with pytest.raises(TrustError, match="CA_NOT_ALLOWED"):
        issue_certificate(desk, issuing, request, Profile.ISSUING_CA, actor="test")


def test_lists_are_renewed_when_half_of_their_time_is_over(here: Here) -> None:
    desk, authorities = here.house.register, here.house.authorities
    assert renew_list(desk, authorities.issuing, "issuing", actor="test") is None
    at = datetime(2026, 1, 1, tzinfo=UTC)
    newest = RevocationListRecord("issuing", 1, b"", at, at + timedelta(days=7), 2)
    assert not is_renewal_due(newest, 2, at + timedelta(days=3))
    assert is_renewal_due(newest, 2, at + timedelta(days=3, hours=12))
    assert is_renewal_due(newest, 3, at), "one was revoked that it does not name, whatever the clocks say"
    assert is_renewal_due(replace(newest, entries=None), 0, at), "made before it was recorded how many it names"
    assert is_renewal_due(None, 0, at)
    first = publish_list(desk, authorities.issuing, "issuing", actor="test")
    second = publish_list(desk, authorities.issuing, "issuing", actor="test")
    assert second.number == first.number + 1


def test_a_revocation_cut_off_before_its_list_is_published_gets_one(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer, path = here.house.context.issuer, here.folder / "ca" / "issuing.crl"
    parts = build(here.house.register, here.house.authorities)
    revoked: list[int] = []

    def die(*_: object, **__: object) -> None:
        raise RuntimeError("the machine stopped here")

    def revoke(certificate: Certificate) -> None:
        issuer.revoke(certificate.serial, reason="keyCompromise", actor="test")

    for place, remedy in (
        ("store.reserve_list", "again"),
        ("store.finish_list", "start"),
        ("write_durably", "job"),
        ("write_durably", "again"),
    ):
        certificate = issue(here, f"31010100000{len(revoked):02}")
        with monkeypatch.context() as patched, pytest.raises(RuntimeError):
            patched.setattr(f"yinxin.pki.actions.publish_list.{place}", die)
            revoke(certificate)
        revoked.append(certificate.serial)
        mends: dict[str, Callable[[], object]] = {
            "again": partial(revoke, certificate),
            "start": parts.on_start[0],
            "job": parts.jobs[0].run,
        }
        mends[remedy]()
        for crl_der in (here.http.get("/ca/issuing.crl").content, path.read_bytes()):
            named = asn1_crl.CertificateList.load(crl_der)["tbs_cert_list"]["revoked_certificates"]
            assert [entry["user_certificate"].native for entry in named] == revoked
        published = audited(here, "revocation-list.publish")
        mends[remedy]()
        assert audited(here, "revocation-list.publish") == published, "once it is published, no further list is due"


def test_a_process_starts_where_no_list_can_be_published(here: Here, caplog: pytest.LogCaptureFixture) -> None:
    here.house.context.database.write(lambda connection: connection.exec_driver_sql("UPDATE pki_revocation_lists SET entries = 7"))
    with blocked():
        build(here.house.register, here.house.authorities).on_start[0]()
    assert "revocation lists not renewed at the start" in caplog.text


def test_the_file_of_a_list_is_written_again_where_it_is_gone(here: Here) -> None:
    path = here.folder / "ca" / "issuing.crl"
    path.unlink()
    assert renew_list(here.house.register, here.house.authorities.issuing, "issuing", actor="test") is None
    assert path.read_bytes() == here.http.get("/ca/issuing.crl").content


def test_the_list_goes_stale_and_is_missing(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    database = here.house.context.database
    database.write(lambda connection: connection.exec_driver_sql("UPDATE pki_revocation_lists SET next_update_at = 0"))
    assert "REVOCATION_LIST_STALE" in here.http.get("/readyz").text
    database.write(lambda connection: connection.exec_driver_sql("DELETE FROM pki_revocation_lists"))
    assert here.http.get("/ca/root.crl").json()["code"] == "REVOCATION_LIST_MISSING"


def test_expired_own_certificates_are_not_ready(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    later = datetime.now(UTC) + timedelta(days=4000)
    monkeypatch.setattr(type(here.house.clock), "now", lambda _self: later)
    assert "CERTIFICATE_EXPIRED" in here.http.get("/readyz").text


def test_states(here: Here) -> None:
    assert set(TRANSITIONS) == set(CertificateState)
    assert TRANSITIONS[CertificateState.REVOKED] == frozenset()
    assert differences(here.house.context.database, "pki", metadata) == []
    with here.house.context.database.read() as connection:
        assert {record.profile for record in store.list_certificates(connection, limit=10)} == {
            "issuing-ca",
            "tsa",
            "ocsp-responder",
            "seal-maker",
        }


@pytest.mark.parametrize("text", ["", "xyz", "0" * 41, "12 34"])
def test_serials_that_are_none(text: str) -> None:
    with pytest.raises(TrustError, match="SERIAL_MALFORMED"):
        read_serial(text)
    assert read_serial("00:AB") == 171
    assert write_serial(171) == "ab"
    assert write_serial(0xABC) == "0abc"
