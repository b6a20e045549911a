"""What is fuzzed, each with seeds to begin from. A seed is good input: mutations of it get deeper than noise does."""

from __future__ import annotations

import functools
import io
import json
from base64 import urlsafe_b64encode
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from standards.errors import TrustError
from tests.fuzzing.log_targets import leaves, run_status_token, run_witness, status_tokens
from tests.optional import corpus_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.pki import DemoPki

AT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Target:
    """``run`` takes the bytes and may raise TrustError; ``seeds`` gives some good inputs; ``suffixes``: of corpus files that fit."""

    run: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]
    suffixes: tuple[str, ...] = ()


def corpus_files(suffixes: tuple[str, ...], most_bytes: int = 200_000) -> list[bytes]:
    """Files of the shared corpus with these endings, where there is one."""
    paths = sorted(path for path in corpus_folder().rglob("*") if path.suffix in suffixes and path.is_file())
    return [path.read_bytes() for path in paths if path.stat().st_size <= most_bytes]


@functools.cache
def _pki() -> DemoPki:
    from tests.pki import DemoPki

    return DemoPki.create(AT)


def _certificates() -> list[bytes]:
    pki = _pki()
    return [pki.seal.der, pki.tsa.der, pki.chain[-1].der]


def _crls() -> list[bytes]:
    return list(_pki().crls(AT))


def _tokens() -> list[bytes]:
    from tests.seal_service.pdf.sealing import stamp

    return [stamp()(b"value")]


def _cms() -> list[bytes]:
    from tests.seal_service.ofd.documents import cms_value

    return [cms_value(b"original")]


def _pdfs() -> list[bytes]:
    from tests.seal_service.pdf.documents import build, page_objects, reportlab_document
    from tests.seal_service.pdf.sealing import sealed

    return [sealed(reportlab_document()), sealed(build(page_objects(), kind="stream")), sealed(build(page_objects(), kind="hybrid"))]


def _ofds() -> list[bytes]:
    from tests.seal_service.ofd.documents import sealed
    from tests.standards.gbt33190_ofd.archives import pack

    return [pack(sealed())]


def _xml() -> list[bytes]:
    from tests.seal_service.ofd.documents import sealed

    return [data for name, data in sealed().items() if name.endswith(".xml")]


def _seals() -> list[bytes]:
    from tests.seal_service.seal_data.actors import cached_seal

    return [cached_seal(version) for version in (4, 5)]


def _ses_values() -> list[bytes]:
    from tests.seal_service.seal_data.actors import cached_signature

    return [cached_signature(version) for version in (4, 5)]


def _keys() -> list[bytes]:
    from crypto.keys import write_private_key
    from crypto.signatures import SignatureAlgorithm
    from tests.pki import make_key

    return [write_private_key(make_key(SignatureAlgorithm.SM2_SM3))]


def _trust() -> list[bytes]:
    from crypto.trust_list import write_trust_list
    from tests.seal_service.pdf.sealing import pki

    return [write_trust_list(pki().trust_list(), name="seed", issued_at=AT)]


def _nothing() -> list[bytes]:
    return [b""]


def _run_verifier(data: bytes) -> None:
    """The one door for files: never raises, and never calls valid what the fuzzer made up without a key."""
    from crypto.report import Verdict
    from crypto.report_json import write_report
    from crypto.trust_list import TrustList
    from seal_service.verify import verify_file

    report = verify_file(data, TrustList(anchors=()), AT)
    assert report.verdict is not Verdict.VALID
    write_report("fuzz", report, "en")


def _run_judge(data: bytes) -> None:
    """The files inside a sealed document: never raises, and gives none of a document that no one trusted has sealed as valid."""
    from crypto.report import Verdict
    from crypto.trust_list import TrustList
    from seal_service.verify import judge_file

    assert judge_file(data, TrustList(anchors=()), AT).report.verdict is not Verdict.VALID


def _with_files() -> list[bytes]:
    """A sealed PDF and a sealed OFD with files inside."""
    from licence_vault.faces.draw import draw_ofd
    from tests.licence_vault.faces.designs import ATTACHMENTS, PORTRAIT, pdf_of
    from tests.licence_vault.samples import sample_licence
    from tests.seal_service.ofd import sealing as ofd
    from tests.seal_service.pdf import sealing as pdf

    return [pdf.sealed(pdf_of(PORTRAIT)), ofd.seal(draw_ofd(sample_licence(), PORTRAIT, ATTACHMENTS, qr_text=None))]


def _run_qr(data: bytes) -> None:
    from crypto.report import Verdict
    from licence_vault.verify_code import verify_code
    from tests.licence_vault.test_verify_code import genuine, good, link

    found = verify_code(data.decode("utf-8", "surrogateescape"), good(), AT)
    assert found.report.verdict is not Verdict.VALID or data == link(genuine()).encode()


def _qr_texts() -> list[bytes]:
    from tests.licence_vault.test_verify_code import genuine, link

    return [link(genuine()).encode()]


def _designs() -> list[bytes]:
    from licence_vault.faces.read_design import face_json
    from tests.licence_vault.faces.designs import PORTRAIT

    return [json.dumps(face_json(PORTRAIT)).encode()]


def _reading(module: str, name: str) -> Callable[[bytes], object]:
    def run(data: bytes) -> object:
        import importlib

        return getattr(importlib.import_module(module), name)(data)

    return run


def _text(module: str, name: str) -> Callable[[bytes], object]:
    def run(data: bytes) -> object:
        import importlib

        return getattr(importlib.import_module(module), name)(data.decode("utf-8", "surrogateescape"))

    return run


def _run_token(data: bytes) -> None:
    from crypto.jose import check_token

    check_token(data.decode("utf-8", "surrogateescape"), {}, token_type="at+jwt")


def _run_status_list(data: bytes) -> None:
    from crypto.trust_list import TrustList
    from seal_service.seal_data.status_list import open_status_list

    open_status_list(data, TrustList(anchors=()), AT)


def _run_filter(data: bytes) -> None:
    from idp.api.scim_shapes import SHAPES
    from standards.rfc7644_filter import is_match, read_filter

    for shape in SHAPES.values():
        is_match({"userName": "jia", "emails": [{"value": "x"}]}, read_filter(data.decode("utf-8", "surrogateescape"), shape))


def _run_patch(data: bytes) -> None:
    from idp.api.scim_shapes import SHAPES
    from standards.rfc7644_scim import apply_patch

    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return
    for shape in SHAPES.values():
        apply_patch({"userName": "jia", "emails": [{"value": "x", "primary": True}]}, body, shape)


def _run_assertion(data: bytes) -> None:
    from idp.tokens.client_assertion import check_assertion_claims, claimed_client, read_assertion

    text = data.decode("utf-8", "surrogateescape")
    claimed_client(text)
    check_assertion_claims(read_assertion(text), "portal", ("https://trust.example.org",), AT)


def _run_dpop(data: bytes) -> None:
    from service_kit.dpop import check_proof

    check_proof(data.decode("utf-8", "surrogateescape"), method="POST", url="https://trust.example.org/token", at=AT)


def _run_import(data: bytes) -> None:
    from idp.model.imports import ImportForm, read_rows

    for form in ImportForm:
        for encoding in ("utf-8", "gb18030"):
            with suppress(TrustError):
                list(read_rows(data, form, encoding))


def _run_picture(data: bytes) -> None:
    from seal_service.pictures.upload import read_uploaded_picture

    read_uploaded_picture(data, width_mm=42)


def _pictures() -> list[bytes]:
    from PIL import Image

    made = []
    for kind in ("PNG", "JPEG", "BMP"):
        out = io.BytesIO()
        Image.new("RGB", (24, 24), "red").save(out, kind)
        made.append(out.getvalue())
    return made


def _run_archive(data: bytes) -> None:
    from standards.gbt33190_ofd.container import Container

    container = Container(data)
    for name in container.members:
        container.read(name, 1_000_000)


def _run_sd_jwt(data: bytes) -> None:
    from crypto.sm3 import sm3
    from standards.rfc9901_sd_jwt import read_combined, reveal

    combined = read_combined(data.decode("utf-8", "surrogateescape"))
    reveal({"_sd": ["x"], "_sd_alg": "sm3"}, combined.disclosures, sm3)


def _jws() -> list[bytes]:
    """A token's form, signed by nobody."""
    parts = (
        {"alg": "ES256", "typ": "JWT"},
        {"iss": "portal", "sub": "portal", "aud": "https://trust.example.org", "exp": 1780315300, "jti": "1"},
    )
    return [b".".join(urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in (*parts, {}))]


def _dpop_proofs() -> list[bytes]:
    key = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}
    claims = {"htm": "POST", "htu": "https://trust.example.org/token", "iat": 1780315200, "jti": "1"}
    parts = ({"alg": "ES256", "typ": "dpop+jwt", "jwk": key}, claims)
    return [b".".join((*(urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in parts), b"A" * 86))]


TARGETS: dict[str, Target] = {
    "scim-filter": Target(_run_filter, lambda: [b'userName eq "jia"', b'emails[type eq "work"].value co "x" and active eq true']),
    "scim-patch": Target(
        _run_patch, lambda: [b'{"schemas":["x"],"Operations":[{"op":"replace","path":"emails[value eq \\"x\\"].value","value":"y"}]}']
    ),
    "client-assertion": Target(_run_assertion, _jws),
    "dpop-proof": Target(_run_dpop, _dpop_proofs),
    "account-import": Target(_run_import, lambda: [b"kind,name,login\nperson,x,y\n", b'{"kind":"person","name":"x"}\n']),
    "picture": Target(_run_picture, _pictures),
    "archive": Target(_run_archive, _ofds, (".ofd",)),
    "sd-jwt": Target(_run_sd_jwt, lambda: [_jws()[0] + b"~WyJzYWx0IiwibmFtZSIsIngiXQ~"]),
    "der": Target(_reading("standards.x690_der", "read_der"), _certificates),
    "certificate": Target(_reading("standards.rfc5280_certificate", "read_certificate"), _certificates, (".der", ".cer")),
    "crl": Target(_reading("crypto.revocation_lists", "read_revocation_list"), _crls, (".crl",)),
    "ocsp-response": Target(_reading("standards.rfc6960_ocsp", "read_ocsp_response"), _nothing),
    "ocsp-request": Target(_reading("standards.rfc6960_ocsp", "read_ocsp_request"), _nothing),
    "certificate-request": Target(_reading("crypto.certificate_requests", "read_proven_request"), _nothing),
    "cms": Target(_reading("standards.gbt35275_cms", "read_either_dialect"), _cms),
    "time-stamp-response": Target(_reading("standards.rfc3161_timestamp", "read_response"), _tokens),
    "time-stamp-request": Target(_reading("standards.rfc3161_timestamp", "read_request"), _nothing),
    "private-key": Target(_reading("standards.rfc5958_private_keys", "read_private_key_info"), _keys),
    "pkcs12": Target(_reading("standards.rfc7292_pkcs12", "read_pfx"), _nothing),
    "pem": Target(_reading("standards.rfc7468_pem", "read_pem"), _keys, (".pem",)),
    "sm2-signature": Target(_reading("standards.gbt32918_sm2", "read_signature"), _nothing),
    "sm2-ciphertext": Target(_reading("standards.gbt32918_sm2", "read_ciphertext"), _nothing),
    "seal": Target(_reading("standards.gbt38540_seal.read", "read_seal"), _seals, (".esl",)),
    "sealing-value": Target(_reading("standards.gbt38540_seal.read", "read_seal_signature"), _ses_values, (".dat",)),
    "seal-file-verifier": Target(_run_verifier, _seals, (".esl", ".dat")),
    "xml": Target(_reading("standards.gbt33190_ofd.xml_parts", "read_xml"), _xml),
    "zip": Target(_reading("standards.gbt33190_ofd.zip_records", "read_directory"), _ofds, (".ofd",)),
    "ofd-verifier": Target(_run_verifier, _ofds, (".ofd",)),
    "pdf-verifier": Target(_run_verifier, _pdfs, (".pdf",)),
    "status-list": Target(_run_status_list, _cms),
    "trust-list": Target(_reading("crypto.trust_list", "read_trust_list"), _trust),
    "jwk-set": Target(_reading("crypto.jose", "read_jwks"), _nothing),
    "token": Target(_run_token, _nothing),
    "signed-note": Target(_reading("standards.c2sp_signed_note", "read_note"), _nothing),
    "log-proof": Target(_reading("standards.c2sp_tlog_proof", "read_proof"), _nothing),
    "log-bundle": Target(_reading("standards.c2sp_tlog_tiles", "read_bundle"), _nothing),
    "status-token": Target(run_status_token, status_tokens),
    "licence-leaf": Target(_reading("licence_vault.log.leaf", "read_leaf"), leaves),
    "witness-request": Target(run_witness, lambda: [b"old 0\n\nx\n1\nAAAA\n\n\xe2\x80\x94 x AAAA\n"]),
    "checkpoint": Target(_text("standards.c2sp_tlog_checkpoint", "read_checkpoint"), _nothing),
    "credit-code": Target(_text("standards.gb32100_credit_code", "read_credit_code"), _nothing),
    "resident-id": Target(_text("standards.gb11643_resident_id", "read_resident_id"), _nothing),
    "files-inside": Target(_run_judge, _with_files, (".ofd", ".pdf")),
    "licence-qr": Target(_run_qr, _qr_texts),
    "face-design": Target(_reading("licence_vault.faces.read_design", "read_face"), _designs),
}


def seeds_of(name: str) -> list[bytes]:
    """All seeds of a target, the made ones first."""
    target = TARGETS[name]
    return [*target.seeds(), *corpus_files(target.suffixes)]
