"""OpenID4VCI from the counter to the wallet, in both lanes, and what must not get a credential."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import pytest
from openvc.openid4vci import parse_credential_issuer_metadata, parse_credential_offer, verify_credential_request_proofs

from crypto.jose import read_jwks, thumbprint, write_base64url
from crypto.report import Report, Verdict
from crypto.sm3 import sm3
from licence_vault.actions.credential_desk import CREDENTIAL_DAYS, expiry_of, new_id
from licence_vault.actions.issue_credential import STALE_SECONDS, sweep_credential_offers, void_stale_credentials
from licence_vault.actions.offer_credential import OFFER_SECONDS, TX_CODE_ATTEMPTS
from licence_vault.actions.redeem_offer import TOKEN_SECONDS
from licence_vault.api.credential_routes import NONCES_PER_MINUTE
from licence_vault.credentials import issuance_messages as messages
from licence_vault.credentials.check_credential import CheckedCredential, DemandedBinding, check_credential
from licence_vault.credentials.lanes import LANES, LaneName
from licence_vault.credentials.nonces import NONCE_SECONDS, new_nonce, read_nonce
from licence_vault.store.credentials import list_credentials
from standards.errors import Kind, TrustError
from tests.licence_vault.credentials.issuer_setting import ISSUER, OFFERS, Issuer, close_issuer, open_issuer
from tests.licence_vault.credentials.wallets import AT, AUDIENCE, BASE, NONCE, VCT, key_of, present
from tests.licence_vault.samples import TYPE_CODE, sample_licence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

LANE = pytest.mark.parametrize("name", LaneName)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    folder: Path = tmp_path_factory.mktemp("issuer")
    made = open_issuer(folder)
    yield made
    close_issuer(made)


@pytest.fixture
def issuer(opened: Issuer) -> Iterator[Issuer]:
    """The one issuer of the module, in the morning, with nobody having asked too often."""
    opened.clock.at = AT
    with patch("licence_vault.api.peer_rates.Rates.take", lambda *_: 0.0):
        yield opened


def refusal(answered: httpx.Response, status: int = 400) -> tuple[str, str]:
    assert answered.status_code == status, answered.text
    assert answered.headers["cache-control"] == "no-store"
    body = answered.json()
    return body["error"], body["code"]


# ---- the way through


@LANE
@pytest.mark.clause("OIDC 4VCI 8")
def test_a_licence_reaches_the_wallet_and_is_shown(issuer: Issuer, name: LaneName) -> None:
    identifier = f"whole-{name}"
    made = issuer.offer(identifier, (str(name),))
    assert len(made["tx_code"]) == 6
    token = issuer.token(made)
    fetched = issuer.fetch(token, issuer.proof(issuer.nonce(), name), name)
    assert fetched.status_code == 200
    ((credential,),) = [each.values() for each in fetched.json()["credentials"]]
    # what verifiers fetch is enough to judge it
    path = messages.GM_KEYS_PATH if name is LaneName.SM2 else messages.KEY_METADATA_PATH
    published = issuer.http.get(path).json()
    keys = read_jwks(json.dumps(published if name is LaneName.SM2 else published["jwks"]).encode(), gm=name is LaneName.SM2)
    checked = check_credential(
        present(credential, name),
        issuers={ISSUER: keys},
        at=AT,
        status_of=lambda _uri, _index: 0,
        binding=DemandedBinding(AUDIENCE, NONCE),
        vcts={VCT},
    )
    assert checked.report.verdict is Verdict.VALID
    assert checked.claims is not None
    assert checked.claims["licence_number"] == sample_licence().number
    assert checked.holder == thumbprint(key_of(name, "holder").public)
    assert issuer.audited("credential.issue", "lc_" + identifier) == ["intended", "done"]
    assert issuer.audited("credential.redeem", "lc_" + identifier) == ["done"]
    assert [lane.split()[0] for licence, lane in issuer.shelf.noted if licence == "lc_" + identifier] == [str(name)]
    assert made["tx_code"] not in "".join(issuer.audited("credential.offer", "lc_" + identifier))


def test_an_offer_without_digits_and_with_both_lanes(issuer: Issuer) -> None:
    made = issuer.offer("both", ("es256", "sm2"), tx_code=False)
    assert made["tx_code"] is None
    token = issuer.token(made)
    for name in LaneName:
        assert issuer.fetch(token, issuer.proof(issuer.nonce(), name), name).status_code == 200
    again = issuer.fetch(token, issuer.proof(issuer.nonce()))
    assert refusal(again, 401) == ("invalid_token", "CREDENTIAL_TOKEN_INVALID")
    assert again.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.clause("OIDC 4VCI 12.2")
def test_another_implementation_reads_offer_metadata_and_proof(issuer: Issuer) -> None:
    made = issuer.offer("judged")
    query = parse_qs(urlsplit(made["credential_offer_uri"]).query)
    offer = parse_credential_offer(query["credential_offer"][0])
    assert offer.credential_issuer == ISSUER
    assert offer.grants[messages.GRANT_TYPE]["tx_code"] == {"input_mode": "numeric", "length": 6}
    metadata = parse_credential_issuer_metadata(issuer.http.get(messages.ISSUER_METADATA_PATH).json())
    assert set(offer.credential_configuration_ids) <= set(metadata.credential_configurations_supported)
    assert (metadata.credential_endpoint, metadata.nonce_endpoint) == (BASE + messages.CREDENTIAL_PATH, BASE + messages.NONCE_PATH)
    nonce = issuer.nonce()
    body = {"credential_configuration_id": offer.credential_configuration_ids[0], "proofs": {"jwt": [issuer.proof(nonce)]}}
    (proof,) = verify_credential_request_proofs(
        body, credential_issuer=ISSUER, check_nonce=lambda found: found == nonce, now=issuer.clock.at
    )
    assert proof.public_jwk["x"] == key_of(LaneName.ES256, "holder").jwk["x"]


def test_metadata_says_where_things_are(issuer: Issuer) -> None:
    authorization = issuer.http.get(messages.AUTHORIZATION_METADATA_PATH).json()
    assert (authorization["issuer"], authorization["token_endpoint"]) == (ISSUER, BASE + messages.TOKEN_PATH)
    keys = issuer.http.get(messages.KEY_METADATA_PATH).json()
    assert [key["crv"] for key in keys["jwks"]["keys"]] == ["P-256"]  # an SM2 key would break readers of the set
    assert [key["crv"] for key in issuer.http.get(messages.GM_KEYS_PATH).json()["keys"]] == ["SM2-P-256"]
    kind = issuer.http.get(urlsplit(VCT).path).json()
    assert (kind["vct"], {claim["sd"] for claim in kind["claims"]}) == (VCT, {"always"})
    unknown = issuer.http.get(urlsplit(VCT).path + "X")
    assert refusal(unknown, 404)[1] == "CREDENTIAL_TYPE_UNKNOWN"


def test_offers_are_made_of_licences_in_force_that_the_caller_has_to_do_with(issuer: Issuer) -> None:
    issuer.shelf.put("ended", is_in_force=False, state="REVOKED")
    issuer.shelf.put("mine")
    issuer.shelf.put("begins", valid_from=date(2026, 11, 29))
    issuer.shelf.put("over", valid_to=date(2026, 11, 27))
    issuer.shelf.put("since ever", valid_from=date.min, valid_to=None)
    order: dict[str, Any] = {"identifier": "ended", "lanes": ["es256"]}
    for identifier in ("ended", "begins", "over"):
        assert issuer.http.post(OFFERS, json={**order, "identifier": identifier}).json()["code"] == "CREDENTIAL_DENIED"
    assert issuer.http.post(OFFERS, json={**order, "identifier": "since ever"}).status_code == 201
    assert issuer.http.post(OFFERS, json={**order, "identifier": "none"}).status_code == 404
    assert issuer.http.post(OFFERS, json={**order, "identifier": "mine"}, headers={"x-client": "stranger"}).status_code == 404
    unfit: tuple[dict[str, Any], ...] = ({"lanes": []}, {"lanes": ["rsa"]}, {"holder": "x"})
    for wrong in unfit:
        assert issuer.http.post(OFFERS, json={**order, **wrong}).status_code == 422


# ---- codes


@pytest.mark.clause("OIDC 4VCI 6.3")
def test_a_code_counts_once_even_if_many_try(issuer: Issuer) -> None:
    made = issuer.offer("raced")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: issuer.redeem(made), range(8)))
    assert sorted(each.status_code for each in answers) == [200] + [400] * 7
    assert {refusal(each) for each in answers if each.status_code == 400} == {("invalid_grant", "CREDENTIAL_OFFER_INVALID")}


def test_digits_are_guessed_a_few_times_and_no_more(issuer: Issuer) -> None:
    made = issuer.offer("guessed")
    wrong = "000000" if made["tx_code"] != "000000" else "111111"
    for _ in range(TX_CODE_ATTEMPTS):
        assert refusal(issuer.redeem(made, tx_code=wrong)) == ("invalid_grant", "CREDENTIAL_OFFER_INVALID")
    assert refusal(issuer.redeem(made)) == ("invalid_grant", "CREDENTIAL_OFFER_INVALID")  # the right ones come too late
    assert issuer.audited("credential.redeem", "lc_guessed") == ["refused"] * TX_CODE_ATTEMPTS


@pytest.mark.parametrize(
    ("form", "word"),
    [
        ({"pre-authorized_code": "x"}, "invalid_grant"),
        ({"pre-authorized_code": "x" * 300}, "invalid_request"),
        ({"pre-authorized_code": None}, "invalid_request"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": None}, "invalid_request"),
        ({"tx_code": None}, "invalid_request"),
    ],
)
def test_what_redeems_no_offer(issuer: Issuer, form: dict[str, Any], word: str) -> None:
    assert refusal(issuer.redeem(issuer.offer("unredeemed"), **form))[0] == word


def test_digits_for_an_offer_that_has_none(issuer: Issuer) -> None:
    made = issuer.offer("bare", tx_code=False)
    assert refusal(issuer.redeem(made, tx_code="123456"))[1] == "CREDENTIAL_TX_CODE_MISSING"


def test_time_ends_offers_and_tokens(issuer: Issuer) -> None:
    old, fresh = issuer.offer("old"), issuer.offer("fresh")
    token = issuer.token(fresh)
    issuer.clock.at = AT + timedelta(seconds=max(OFFER_SECONDS, TOKEN_SECONDS))
    assert refusal(issuer.redeem(old))[0] == "invalid_grant"
    assert refusal(issuer.fetch(token, issuer.proof(issuer.nonce())), 401)[0] == "invalid_token"
    issuer.clock.at += timedelta(days=1, seconds=1)
    assert sweep_credential_offers(issuer.desk) >= 1
    assert sweep_credential_offers(issuer.desk) == 0


def test_who_writes_to_the_database_gets_no_credential_by_it(issuer: Issuer) -> None:
    made, stolen = issuer.offer("altered"), "t" * 43
    issuer.token(made)
    with issuer.desk.database.engine.begin() as connection:
        statement = "UPDATE licence_credential_offers SET token_digest = ? WHERE licence_id = 'lc_altered'"
        connection.exec_driver_sql(statement, (sm3(stolen.encode()),))
    assert refusal(issuer.fetch(stolen, issuer.proof(issuer.nonce())), 503)[1] == "CREDENTIAL_OFFER_ALTERED"
    other = issuer.offer("moved")
    with issuer.desk.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE licence_credential_offers SET licence_id = 'lc_altered' WHERE licence_id = 'lc_moved'")
    assert refusal(issuer.redeem(other), 503)[1] == "CREDENTIAL_OFFER_ALTERED"


# ---- proofs


@LANE
@pytest.mark.parametrize(
    "change",
    [
        {"aud": BASE},
        {"aud": [ISSUER]},
        {"aud": None},
        {"iat": None},
        {"iat": int(AT.timestamp()) - 301},
        {"iat": int(AT.timestamp()) + 31},
        {"iat": str(int(AT.timestamp()))},
        {"nonce": None},
        {"nonce": 7},
        {"header": {"alg": "none"}},
        {"header": {"alg": "HS256"}},
        {"header": {"typ": "JWT"}},
        {"header": {"typ": "kb+jwt"}},
        {"header": {"kid": "x"}},
        {"header": {"jwk": None}},
        {"header": {"jwk": {"kty": "EC"}}},
        {"header": {"x5c": ["MII"]}},
    ],
)
@pytest.mark.clause("OIDC 4VCI F.1")
def test_what_proves_nothing(issuer: Issuer, name: LaneName, change: dict[str, Any]) -> None:
    proof = issuer.proof("n", name, **change)
    with pytest.raises(TrustError, match="CREDENTIAL_PROOF_INVALID"):
        messages.check_key_proof(proof, LANES[name], issuer=ISSUER, at=AT)


def test_proofs_by_another_key_or_of_the_other_lane(issuer: Issuer) -> None:
    lane = LANES[LaneName.ES256]
    thief = key_of(LaneName.ES256, "thief").jwk
    gm = issuer.proof("n", LaneName.SM2)
    for proof in (issuer.proof("n", header={"jwk": thief}), gm, gm + ".x", "x" * 5000, issuer.proof("n").replace(".", "", 1)):
        with pytest.raises(TrustError, match="CREDENTIAL_PROOF_INVALID"):
            messages.check_key_proof(proof, lane, issuer=ISSUER, at=AT)


@pytest.mark.clause("OIDC 4VCI 7")
def test_a_nonce_counts_once_and_for_a_while(issuer: Issuer) -> None:
    nonce = issuer.nonce()
    first = issuer.token(issuer.offer("nonce-1"))
    assert issuer.fetch(first, issuer.proof(nonce)).status_code == 200
    second = issuer.token(issuer.offer("nonce-2"))
    assert refusal(issuer.fetch(second, issuer.proof(nonce))) == ("invalid_nonce", "CREDENTIAL_NONCE_INVALID")
    old = new_nonce(issuer.desk.nonce_key, AT - timedelta(seconds=NONCE_SECONDS))
    for wrong in (old, "x", "x y", write_base64url(bytes(40)), new_nonce(bytes(32), AT)):
        assert refusal(issuer.fetch(second, issuer.proof(wrong)))[0] == "invalid_nonce"
    assert issuer.fetch(second, issuer.proof(issuer.nonce())).status_code == 200  # nothing of it used the token up
    assert read_nonce(bytes(32), new_nonce(bytes(32), AT), AT) == AT + timedelta(seconds=NONCE_SECONDS)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"proofs": {"jwt": []}}, "invalid_proof"),
        ({"proofs": {"jwt": ["a", "b"]}}, "invalid_proof"),
        ({"proofs": {"jwt": [1]}}, "invalid_proof"),
        ({"proofs": {"jwt": ["a"], "di_vp": ["b"]}}, "invalid_proof"),
        ({"proofs": None}, "invalid_proof"),
        ({"credential_configuration_id": "other.es256"}, "unknown_credential_configuration"),
        ({"credential_configuration_id": f"{TYPE_CODE}.sm2"}, "unknown_credential_configuration"),
        ({"credential_configuration_id": 1}, "invalid_credential_request"),
        ({"credential_identifier": "x"}, "invalid_credential_request"),
        ({"credential_response_encryption": {}}, "invalid_credential_request"),
    ],
)
@pytest.mark.clause("OIDC 4VCI 8.3.1")
def test_requests_that_are_none(issuer: Issuer, body: dict[str, Any], word: str) -> None:
    token = issuer.token(issuer.offer("asked"))
    assert refusal(issuer.fetch(token, issuer.proof(issuer.nonce()), **body))[0] == word


def test_requests_that_cannot_be_read(issuer: Issuer) -> None:
    token = {"authorization": "Bearer " + issuer.token(issuer.offer("garbled"))}
    path = messages.CREDENTIAL_PATH
    assert refusal(issuer.http.post(path, content=b"[", headers=token))[1] == "CREDENTIAL_REQUEST_MALFORMED"
    assert refusal(issuer.http.post(path, content=b"x" * 20_000, headers=token), 413) == ("invalid_credential_request", "BODY_TOO_LARGE")
    unauthorised: tuple[dict[str, str], ...] = (
        {},
        {"authorization": "Basic eA=="},
        {"authorization": "Bearer "},
        {"authorization": "Bearer x"},
    )
    for wrong in unauthorised:
        assert refusal(issuer.http.post(path, content=b"{}", headers=wrong), 401)[0] == "invalid_token"
    form = "application/x-www-form-urlencoded"
    for kind, content in ((form, b"a=1&a=2"), (form, b"a"), (form, b"\xff"), ("text/plain", b"a=1"), (form, b"&".join([b"a=1"] * 20))):
        answered = issuer.http.post(messages.TOKEN_PATH, content=content, headers={"content-type": kind})
        assert refusal(answered) == ("invalid_request", "CREDENTIAL_REQUEST_MALFORMED")
    with pytest.raises(TrustError, match="CREDENTIAL_CONFIGURATION_UNKNOWN"):
        messages.lane_of_configuration("x.rsa")
    assert messages.read_form(form, b"") == {}


def test_whoever_asks_too_often_waits(opened: Issuer) -> None:
    opened.clock.at = AT
    with patch("licence_vault.api.peer_rates.time", SimpleNamespace(monotonic=lambda: 1e9)):  # a slow machine would be given more meanwhile
        answers = [opened.http.post(messages.NONCE_PATH) for _ in range(NONCES_PER_MINUTE + 5)]
    assert refusal(answers[-1], 429) == ("temporarily_unavailable", "WALLET_RATE_EXCEEDED")
    assert int(answers[-1].headers["retry-after"]) >= 1


# ---- what happens in between


def test_a_licence_that_ends_before_or_during_the_signing_gets_no_credential(issuer: Issuer) -> None:
    token = issuer.token(issuer.offer("ends"))
    issuer.shelf.put("ends", is_in_force=False, state="REVOKED")
    assert refusal(issuer.fetch(token, issuer.proof(issuer.nonce()))) == ("credential_request_denied", "CREDENTIAL_DENIED")
    issuer.shelf.put("ends")

    def revoke(step: str) -> None:
        if step == "credential-signed":
            issuer.shelf.put("ends", is_in_force=False, state="REVOKED")

    with patch("licence_vault.actions.issue_credential.fail_points.reach", revoke):
        assert refusal(issuer.fetch(token, issuer.proof(issuer.nonce())))[1] == "CREDENTIAL_DENIED"
    assert issuer.audited("credential.issue", "lc_ends") == ["intended", "voided"]
    del issuer.shelf.licences["ends"]
    assert refusal(issuer.fetch(token, issuer.proof(issuer.nonce())))[1] == "CREDENTIAL_DENIED"


def test_what_our_own_verifier_refuses_does_not_leave(issuer: Issuer) -> None:
    token = issuer.token(issuer.offer("doubted"))
    doubt = CheckedCredential(Report(Verdict.INDETERMINATE, None, ()))
    with patch("licence_vault.actions.issue_credential.check_credential", lambda *_args, **_named: doubt):
        answered = issuer.fetch(token, issuer.proof(issuer.nonce()))
    assert refusal(answered, 503)[1] == "CREDENTIAL_SELF_CHECK_FAILED"
    assert issuer.audited("credential.issue", "lc_doubted") == ["intended"]


def test_an_intent_somebody_died_over_is_voided_and_the_wallet_may_ask_again(issuer: Issuer) -> None:
    token = issuer.token(issuer.offer("crashed"))

    def die(step: str) -> None:
        if step == "credential-intended":
            raise TrustError(Kind.UNAVAILABLE, "AUDIT_UNAVAILABLE")

    with patch("licence_vault.actions.issue_credential.fail_points.reach", die):
        assert refusal(issuer.fetch(token, issuer.proof(issuer.nonce())), 503)[0] == "temporarily_unavailable"
    assert refusal(issuer.fetch(token, issuer.proof(issuer.nonce())), 401)[0] == "invalid_token"
    issuer.clock.at = AT + timedelta(seconds=STALE_SECONDS + 1)
    assert void_stale_credentials(issuer.desk) >= 1
    assert issuer.fetch(token, issuer.proof(issuer.nonce())).status_code == 200
    with issuer.desk.database.read() as connection:
        (offer_id,) = connection.exec_driver_sql("SELECT id FROM licence_credential_offers WHERE licence_id = 'lc_crashed'").one()
        assert [state for _, _, state in list_credentials(connection, offer_id)] == ["void", "issued"]


@pytest.mark.parametrize(
    ("valid_to", "at", "expires"),
    [
        (None, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=CREDENTIAL_DAYS)),
        (date(2026, 1, 2), datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, 16, tzinfo=UTC)),
        (date(9999, 12, 31), datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=CREDENTIAL_DAYS)),
    ],
)
def test_until_when_a_credential_counts(valid_to: date | None, at: datetime, expires: datetime) -> None:
    assert expiry_of(sample_licence(valid_to=valid_to), at) == expires


def test_nothing_secret_is_shown(issuer: Issuer) -> None:
    assert repr(issuer.desk) == "CredentialDesk()"
    assert new_id("co").startswith("co_")
