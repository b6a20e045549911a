"""Others read our credentials, and we read theirs: the reference implementation of SD-JWT, and openvc."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwcrypto.jwk import JWK
from openvc.keys import P256SigningKey
from openvc.proof.errors import ProofError
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from crypto.jose import read_jwk
from crypto.report import Verdict
from licence_vault.credentials.check_credential import DemandedBinding, check_credential
from licence_vault.credentials.lanes import LaneName
from tests.licence_vault.credentials.wallets import AUDIENCE, BASE, NONCE, VCT, issue, key_of, present
from tests.licence_vault.samples import sample_licence

NOW = datetime.now(UTC).replace(microsecond=0)
TERM: dict[str, Any] = {"issued_at": NOW - timedelta(days=1), "expires_at": NOW + timedelta(days=1)}
BINDING = DemandedBinding(AUDIENCE, NONCE)


def shown(claim: str | None) -> bool:
    return claim in {"licence_name", "fields", "KZ_scope", "holders", None, "name"}


def in_force(_uri: str, _index: int) -> int | None:
    return 0


@pytest.mark.clause("RFC 9901 7.3")
def test_the_reference_implementation_reads_what_our_holders_show() -> None:
    issuer = JWK.from_json(json.dumps(key_of(LaneName.ES256, "issuer").jwk))
    text = present(issue(**TERM), show=shown, at=NOW)
    claims = SDJWTVerifier(text, lambda _issuer, _header: issuer, AUDIENCE, NONCE).get_verified_payload()
    assert (claims["licence_name"], claims["fields"]) == ("示例许可证（样本）", {"KZ_scope": "示例经营范围"})
    assert claims["holders"] == [{"name": "张三（示例）"}]
    everything = SDJWTVerifier(issue(**TERM), lambda _issuer, _header: issuer).get_verified_payload()
    assert everything["holders"] == sample_licence().as_json()["holders"]


@pytest.mark.clause("RFC 9901 7.1")
@pytest.mark.parametrize("decoys", [False, True])
def test_we_read_what_the_reference_implementation_issues_and_shows(decoys: bool) -> None:
    now = datetime.now(UTC).replace(microsecond=0)  # the other side goes by the clock, and the tests before this one took time
    issuer, holder = JWK.generate(kty="EC", crv="P-256"), JWK.generate(kty="EC", crv="P-256")
    claims = {
        "iss": BASE,
        "iat": int(now.timestamp()),
        "exp": int(now.timestamp()) + 60,
        "vct": VCT,
        SDObj("given"): {SDObj("inner"): [SDObj("one"), "two", SDObj({"three": 3})]},
        SDObj("hidden"): "不出示",
    }
    issued = SDJWTIssuer(claims, issuer, holder, add_decoy_claims=decoys, extra_header_parameters={"typ": "dc+sd-jwt", "kid": "k1"})
    wallet = SDJWTHolder(issued.sd_jwt_issuance)
    wallet.create_presentation({"given": {"inner": [True, True, {"three": True}]}}, NONCE, AUDIENCE, holder)
    keys = {BASE: {"k1": read_jwk({**issuer.export_public(as_dict=True), "kid": "k1"})}}
    checked = check_credential(wallet.sd_jwt_presentation, issuers=keys, at=now, status_of=in_force, binding=BINDING, vcts={VCT})
    assert checked.report.verdict is Verdict.VALID
    assert checked.claims is not None
    assert checked.claims["given"] == {"inner": ["one", "two", {"three": 3}]}
    assert "hidden" not in checked.claims


@pytest.mark.clause("IETF sd-jwt-vc 2.2.1")
def test_openvc_accepts_what_our_holders_show_and_refuses_what_was_changed() -> None:
    now = datetime.now(UTC).replace(microsecond=0)  # the judge goes by the clock
    judge = SdJwtVcProofSuite()
    demanded: dict[str, Any] = {
        "public_key_jwk": key_of(LaneName.ES256, "issuer").jwk,
        "audience": AUDIENCE,
        "nonce": NONCE,
        "require_key_binding": True,
        "expected_vct": VCT,
    }
    credential = issue(**TERM)
    result = judge.verify(present(credential, show=shown, at=now), **demanded)
    assert result.claims["fields"] == {"KZ_scope": "示例经营范围"}
    assert result.claims["status"]["status_list"]["idx"] == 4711
    attacks: tuple[dict[str, Any], ...] = ({"nonce": "other"}, {"holder": "thief"}, {"sd_hash": "x"})
    for wrong in attacks:
        with pytest.raises(ProofError):
            judge.verify(present(credential, show=shown, at=now, **wrong), **demanded)


def test_we_accept_what_openvc_issues_and_shows() -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    issuer, holder = (P256SigningKey(ec.generate_private_key(ec.SECP256R1()), kid=name) for name in ("k1", "k2"))
    judge = SdJwtVcProofSuite()
    claims = {"iss": BASE, "licence_name": "示例", "licence_number": "1"}
    text = judge.issue(
        claims,
        signing_key=issuer,
        disclosable=("licence_name", "licence_number"),
        holder_jwk=holder.public_jwk(),
        vct=VCT,
        expires_in_s=60,
        decoys=3,
    )
    keys = {BASE: {"k1": read_jwk({**issuer.public_jwk(), "kid": "k1"})}}
    text = judge.create_presentation(text, holder_key=holder, audience=AUDIENCE, nonce=NONCE)
    checked = check_credential(text, issuers=keys, at=now, status_of=in_force, binding=BINDING, vcts={VCT})
    assert checked.report.verdict is Verdict.VALID
    assert checked.claims is not None
    assert checked.claims["licence_number"] == "1"
