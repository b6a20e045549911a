"""Who calls: access tokens of RFC 9068, remembered only while they hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from crypto.jose import TokenSigner, VerificationKey, verification_key
from crypto.signer import software_signer
from service_kit import callers
from service_kit.callers import ACTORS, Caller, CallerVerifier, FetchedKeys, Person, may_be_one, person_of, require
from service_kit.dpop import access_token_digest, check_proof
from standards.errors import Kind, TrustError
from tests.clocks import FixedClock
from tests.service_kit.dpop_proofs import Prover

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
SIGNER = software_signer(ec.generate_private_key(ec.SECP256R1()), "k1")
KEY = verification_key(SIGNER.public_spki_der, "k1")
CLAIMS = {
    "iss": "https://idp.example", "aud": "api", "sub": "portal", "client_id": "portal",
    "scope": "thing.read thing.write", "iat": SECONDS, "exp": SECONDS + 600, "jti": "t1",
}  # fmt: skip


def token(token_type: str = "at+jwt", **changed: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changed}.items() if value is not ...}
    return TokenSigner(SIGNER, key_id="k1", token_type=token_type).sign(claims)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def keys() -> dict[str, VerificationKey]:
    return {"k1": KEY}


@pytest.fixture
def verifier(clock: FixedClock, keys: dict[str, VerificationKey]) -> CallerVerifier:
    return CallerVerifier(issuer="https://idp.example", audience="api", keys=lambda: keys, clock=clock)


@pytest.mark.clause("RFC 9068 4", "RFC 6750 2.1")
def test_a_good_token_names_its_caller(verifier: CallerVerifier) -> None:
    caller = verifier.verify_header("Bearer " + token())
    assert caller == Caller("portal", "portal", frozenset({"thing.read", "thing.write"}), "t1", key_id="k1")
    assert caller.actor == "client:portal"
    assert verifier.verify_header("bearer " + token(sub="user:7")).actor == "client:portal for user:7"


@pytest.mark.clause("RFC 8693 4.1")
def test_who_acts_for_an_organisation_is_named_and_is_the_same_human_as_himself(verifier: CallerVerifier) -> None:
    himself, for_firm, by_service, lonely = (
        verifier.verify(token(**changed))
        for changed in (
            {"sub": "pe_x"},
            {"sub": "or_y", "act": {"sub": "pe_x"}},
            {"sub": "or_y", "act": {"sub": "housing", "act": {"sub": "pe_x"}}},
            {"sub": "pe_x", "act": {"sub": "housing"}},
        )
    )
    assert [each.actor for each in (himself, for_firm, by_service, lonely)] == [
        "client:portal for pe_x", "client:portal for or_y by pe_x", "client:portal for or_y by pe_x", "client:portal for pe_x",
    ]  # fmt: skip
    assert (for_firm.holder, for_firm.human) == ("person:or_y", "person:pe_x"), "rights are the organisation's, the hand is his"
    assert {himself.human, by_service.human, lonely.human} == {"person:pe_x"}
    paired = replace(verifier.verify(token(sub="pw_1")), known_as="pe_x")  # the directory knows whose it is
    assert (paired.holder, paired.human, paired.actor) == ("person:pw_1", "person:pe_x", "client:portal for pw_1 by pe_x")
    chain: dict[str, Any] = {"sub": "pe_x"}
    for _ in range(ACTORS):
        chain = {"sub": "housing", "act": chain}
    for wrong in (chain, "pe_x", {"sub": 7}, {"act": {"sub": "pe_x"}}, {"sub": "x" * 201}):
        with pytest.raises(TrustError) as refused:
            verifier.verify(token(act=wrong))
        assert refused.value.facts["reason"] == "act"


@pytest.mark.parametrize(
    ("holder", "human", "is_one"),
    [
        ("person:or_y", "person:pe_x", True),  # himself and for his organisation
        ("person:pe_x", "", True),  # from before humans were kept
        ("person:pw_1", "person:pe_x", True),  # by another portal, the directory knows
        ("person:pw_1", "", True),  # by another portal, nobody knows
        ("person:or_y", "person:pw_1", True),
        ("person:or_y", "person:pe_z", False),
        ("person:pe_z", "person:pe_z", False),
        ("portal", "portal", False),
        ("portal", "", False),
    ],
)
def test_who_may_be_one_human(holder: str, human: str, is_one: bool) -> None:
    now = Caller("portal", "pe_x", frozenset())
    assert may_be_one(now, holder, human) is may_be_one(person_of(now), holder, human) is is_one


def test_two_of_one_organisation_and_a_client_by_itself() -> None:
    firm = Caller("portal", "or_y", frozenset(), acting="pe_x")
    assert may_be_one(firm, "person:or_y", "person:pe_z"), "one organisation is no second person to itself"
    unknown = Caller("portal", "pw_1", frozenset())
    assert may_be_one(unknown, "person:pe_z", "person:pe_z"), "a name of one sector tells apart from nobody"
    assert not may_be_one(unknown, "portal", "portal")
    assert may_be_one(Person("service:a", "service:a"), "service:a")
    assert not may_be_one(Person("service:a", "service:a"), "service:b")


@pytest.mark.clause("RFC 9068 2.2", "RFC 9068 4")
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"iss": "https://other.example"}, "iss"),
        ({"aud": "other"}, "aud"),
        ({"exp": str(SECONDS + 600)}, "exp"),
        ({"client_id": ...}, "client_id"),
        ({"client_id": ""}, "client_id"),
        ({"client_id": "x" * 201}, "client_id"),
        ({"sub": 7}, "sub"),
        ({"jti": ...}, "jti"),
        ({"iat": ...}, "iat"),
        ({"iat": SECONDS + 60}, "iat"),
        ({"scope": ["thing.read"]}, "scope"),
        ({"scope": " ".join("s" * 65)}, "scope"),
        ({"token_type": "JWT"}, "typ"),
        ({"token_type": "logout+jwt"}, "typ"),
    ],
)
def test_tokens_that_do_not_count(verifier: CallerVerifier, changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(TrustError) as refused:
        verifier.verify(token(**changed))
    assert (refused.value.kind, refused.value.code, refused.value.facts) == (Kind.UNAUTHENTICATED, "TOKEN_INVALID", {"reason": reason})


def test_keys_are_claimed_by_client_and_person() -> None:
    own, anna, bert, other = (
        Caller(client_id, subject, frozenset())
        for client_id, subject in (("portal", "portal"), ("portal", "anna"), ("portal", "bert"), ("desk", "anna"))
    )
    assert len({caller.claimant for caller in (own, anna, bert, other)}) == 4
    assert [person_of(caller).claimant for caller in (own, anna)] == [own.claimant, anna.claimant]
    assert own.claimant == Person("portal", "client:portal").claimant == "portal"


@pytest.mark.parametrize("header", [None, ""])
def test_no_token(verifier: CallerVerifier, header: str | None) -> None:
    with pytest.raises(TrustError, match="TOKEN_MISSING"):
        verifier.verify_header(header)


@pytest.mark.parametrize("header", ["Basic eDp5", "Bearer", "Bearer ", "Bearer a b", "Bearer\ta", "x", "Bearer \udcff"])
def test_headers_that_carry_none(verifier: CallerVerifier, header: str) -> None:
    with pytest.raises(TrustError, match="TOKEN_INVALID"):
        verifier.verify_header(header)


def test_a_token_without_scope_has_no_rights(verifier: CallerVerifier) -> None:
    caller = verifier.verify(token(scope=...))
    assert caller.scopes == frozenset()
    with pytest.raises(TrustError) as refused:
        require(caller, "thing.read")
    assert (refused.value.kind, refused.value.code, refused.value.facts) == (Kind.FORBIDDEN, "SCOPE_MISSING", {"scope": "thing.read"})


def test_a_scope_is_had_whole_or_not(verifier: CallerVerifier) -> None:
    caller = verifier.verify(token())
    require(caller, "thing.read")
    for other in ("thing", "thing.rea", "thing.read thing.write", ""):
        with pytest.raises(TrustError):
            require(caller, other)


def test_a_remembered_token_ends_with_its_time_or_its_key(
    verifier: CallerVerifier, clock: FixedClock, keys: dict[str, VerificationKey]
) -> None:
    good = token()
    first = verifier.verify(good)
    assert verifier.verify(good) is first  # remembered, not checked again
    keys.clear()
    with pytest.raises(TrustError, match="TOKEN_INVALID"):
        verifier.verify(good)
    keys["k1"] = verification_key(software_signer(ec.generate_private_key(ec.SECP256R1()), "k1").public_spki_der, "k1")
    with pytest.raises(TrustError, match="TOKEN_INVALID"):
        verifier.verify(good)
    keys["k1"] = KEY
    clock.advance(604)
    verifier.verify(good)  # within the leeway
    clock.advance(1)
    with pytest.raises(TrustError, match="TOKEN_EXPIRED"):
        verifier.verify(good)


def test_a_changed_token_is_not_the_remembered_one(verifier: CallerVerifier) -> None:
    good = token()
    verifier.verify(good)
    other = token(scope="thing.all").split(".")
    with pytest.raises(TrustError, match="signature"):
        verifier.verify(".".join((other[0], other[1], good.split(".")[2])))


def test_what_is_remembered_is_bounded(verifier: CallerVerifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "CACHE_TOKENS", 3)
    for i in range(10):
        verifier.verify(token(jti=f"t{i}"))
    assert len(verifier._known) == 3


def test_fetched_keys_are_kept_and_renewed() -> None:
    fetched: list[int] = []

    def fetch() -> dict[str, VerificationKey]:
        fetched.append(1)
        return {"k1": verification_key(SIGNER.public_spki_der, "k1")}

    source = FetchedKeys(fetch, keep_seconds=1000)
    first = source()
    assert source() is first
    assert len(fetched) == 1
    eager = FetchedKeys(fetch, keep_seconds=0)
    one, two = eager()["k1"], eager()["k1"]
    assert one is two  # unchanged keys stay the same object
    assert len(fetched) == 3


def test_an_issuer_that_is_away() -> None:
    answers: list[Any] = [OSError(), {"k1": KEY}, TrustError(Kind.UNAVAILABLE, "AWAY")]

    def fetch() -> dict[str, VerificationKey]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    source = FetchedKeys(fetch, keep_seconds=0)
    with pytest.raises(TrustError, match="KEYS_UNAVAILABLE"):
        source()
    with pytest.raises(TrustError, match="KEYS_UNAVAILABLE"):
        source()  # not asked again at once
    assert len(answers) == 2
    source._next = 0
    assert source() == {"k1": KEY}
    assert source() == {"k1": KEY}  # away again: the keys at hand serve on
    assert answers == []


def test_an_issuer_that_stays_away_is_not_believed_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [5.0]
    monkeypatch.setattr(callers, "time", SimpleNamespace(monotonic=lambda: now[0]))
    is_away = False

    def fetch() -> dict[str, VerificationKey]:
        if is_away:
            raise TrustError(Kind.UNAVAILABLE, "AWAY")
        return {"k1": KEY}

    source = FetchedKeys(fetch, keep_seconds=60)
    assert source() == {"k1": KEY}
    is_away = True
    now[0] += callers.OUTAGE_SECONDS
    assert source() == {"k1": KEY}
    now[0] += callers.REFRESH_SECONDS
    with pytest.raises(TrustError, match="KEYS_UNAVAILABLE"):
        source()
    is_away = False
    now[0] += callers.REFRESH_SECONDS
    assert source() == {"k1": KEY}


@pytest.mark.clause("RFC 9449 7.1", "RFC 9449 7.2", "RFC 7800 3.1")
def test_attack_a_token_bound_to_a_key_is_not_let_in_without_a_proof(verifier: CallerVerifier) -> None:
    prover, url = Prover(), "https://api.example/v1/things"
    jkt = check_proof(prover.proof("GET", url, SECONDS), method="GET", url=url, at=NOW).jkt
    bound, free = token(cnf={"jkt": jkt}), token()

    def show(scheme: str, sent: str, proof: str | None) -> Caller:
        return verifier.verify_bound(f"{scheme} {sent}", proof, method="GET", url=url)[0]

    good = prover.proof("GET", url, SECONDS, ath=access_token_digest(bound))
    assert show("DPoP", bound, good).bound_to == jkt
    assert show("dpop", bound, good).client_id == "portal"
    for call in (
        lambda: verifier.verify_header("Bearer " + bound),  # the copied token, called by another name
        lambda: show("Bearer", bound, good),
        lambda: show("DPoP", free, prover.proof("GET", url, SECONDS, ath=access_token_digest(free))),
    ):
        with pytest.raises(TrustError, match="TOKEN_INVALID"):
            call()
    for proof in (
        None,
        "",
        good + "x",
        prover.proof("GET", url, SECONDS),
        Prover().proof("GET", url, SECONDS, ath=access_token_digest(bound)),
    ):
        with pytest.raises(TrustError, match="DPOP_PROOF_INVALID"):
            show("DPoP", bound, proof)
    with pytest.raises(TrustError, match="TOKEN_MISSING"):
        verifier.verify_bound(None, good, method="GET", url=url)


@pytest.mark.parametrize("confirmation", [None, "x", {}, {"jkt": 7}, {"jkt": ""}, {"x5t#S256": 7}, {"jkt": "abc", "jwk": {}}, {"kid": "k"}])
def test_attack_a_binding_that_cannot_be_checked_is_not_passed_over(verifier: CallerVerifier, confirmation: object) -> None:
    with pytest.raises(TrustError) as refused:
        verifier.verify(token(cnf=confirmation))
    assert refused.value.facts == {"reason": "cnf"}


@pytest.mark.clause("RFC 8705 3")
def test_attack_a_token_bound_to_a_certificate_is_good_on_its_connection_alone(verifier: CallerVerifier) -> None:
    header = "Bearer " + token(cnf={"x5t#S256": "right"})
    assert verifier.verify_header(header, certificate="right").certificate == "right"
    for shown in (None, "", "wrong", "righ", "rightt"):
        with pytest.raises(TrustError, match="another certificate"):
            verifier.verify_header(header, certificate=shown)
    assert verifier.verify_header("Bearer " + token(), certificate="any").certificate == ""
    prover, url = Prover(), "https://api.example/v1/things"
    jkt = check_proof(prover.proof("GET", url, SECONDS), method="GET", url=url, at=NOW).jkt
    both = token(cnf={"jkt": jkt, "x5t#S256": "right"})
    for shown, is_let_in in (("right", True), ("wrong", False), (None, False)):
        proof = prover.proof("GET", url, SECONDS, ath=access_token_digest(both))
        if is_let_in:
            assert verifier.verify_bound(f"DPoP {both}", proof, method="GET", url=url, certificate=shown)[0].bound_to == jkt
        else:
            with pytest.raises(TrustError, match="another certificate"):
                verifier.verify_bound(f"DPoP {both}", proof, method="GET", url=url, certificate=shown)
    with pytest.raises(TrustError, match="bound to a key"):
        verifier.verify_header(f"Bearer {both}", certificate="right")
