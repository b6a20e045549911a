"""What a client is told of a person or organisation: what its scopes and the claims parameter ask for, and it is allowed, no more.

| scope | claims |
|---|---|
| openid | sub |
| profile | name, updated_at; of persons also gender and birthdate, where known |
| phone | phone_number, phone_number_verified |
| email | email, email_verified |
| address | address |
| subject_hash | subject_hash, subject_hash_method: what case files keep in place of the number |
| identity | id_type, id_number, level, organisation facts; verified_claims (OIDC Identity Assurance 1.0) |

Where the person acts for an organisation, the claims are the organisation's, and ``act`` names the person by his subject alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from idp.model.federation import PROVEN_LEVEL
from idp.model.people import AccountKind, IdentifierKind, level_at
from idp.model.requests import acr_of
from idp.store.accounts import list_evidence, load_account
from idp.store.sign_ins import find_consent
from idp.store.subject_hash import KeyedSubjectHash
from standards.gb11643_resident_id import read_resident_id

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.model.people import Account, Evidence
    from idp.model.requests import ClientProfile
    from idp.store.accounts import Vault

TRUST_FRAMEWORK: Final = "urn:yinxin:loa"
SCOPE_CLAIMS: Final = {
    "profile": frozenset({"name", "gender", "birthdate", "updated_at"}),
    "phone": frozenset({"phone_number", "phone_number_verified"}),
    "email": frozenset({"email", "email_verified"}),
    "address": frozenset({"address"}),
    "subject_hash": frozenset({"subject_hash", "subject_hash_method"}),
    "identity": frozenset({"account_kind", "id_type", "id_number", "level", "area", "organisation_type", "verified_claims"}),
}
IDENTITY_CLAIMS: Final = frozenset().union(*SCOPE_CLAIMS.values())
_GENDER: Final = {"1": "male", "2": "female"}  # GB/T 2261.1


def asked_claims(scopes: Collection[str], claims_request: Mapping[str, Any], place: str, profile: ClientProfile) -> frozenset[str]:
    """The names of the claims a client gets at ``place`` (``userinfo`` or ``id_token``): asked for, known, and allowed to it."""
    part = claims_request.get(place)
    asked = frozenset(part) if isinstance(part, dict) else frozenset[str]()
    if place == "userinfo":
        asked |= frozenset().union(*(SCOPE_CLAIMS.get(scope, frozenset[str]()) for scope in scopes))
    known = asked & IDENTITY_CLAIMS
    return known & profile.allowed_claims if profile.allowed_claims else known


def agreed_claims(connection: Connection, vault: Vault, account_id: str, acting_for: str | None, profile: ClientProfile) -> frozenset[str]:
    """What the person has agreed that a client learns, in one capacity; everything where it asks nobody. A client that is allowed more than before, or
    is no longer this deployment's own, learns by the tokens it has what was agreed to, until the person has agreed to more. ROW_ALTERED.
    """
    return IDENTITY_CLAIMS if profile.is_own else find_consent(connection, vault, account_id, acting_for, profile.client_id)[1]


def claims_of(
    connection: Connection,
    vault: Vault,
    account_id: str,
    acting_for: str | None,
    scopes: Collection[str],
    claims_request: Mapping[str, Any],
    profile: ClientProfile,
    *,
    at: datetime,
    place: str = "userinfo",
    agreed: Collection[str] = IDENTITY_CLAIMS,
) -> dict[str, Any]:
    """The claims beside ``sub``, as of ``at``: evidence that has expired counts no more. ``agreed``: no others. ACCOUNT_NOT_FOUND."""
    names = asked_claims(scopes, claims_request, place, profile).intersection(agreed)
    account = load_account(connection, vault, acting_for or account_id)
    standing = [each for each in list_evidence(connection, vault, account.account_id) if each.expires_at is None or at < each.expires_at]
    account = replace(account, level=level_at(standing, at))
    facts = _facts(account)
    claims = {name: facts[name] for name in sorted(names) if facts.get(name) is not None}
    if names & SCOPE_CLAIMS["subject_hash"]:
        claims |= _hashed(vault, account, names)
    if "verified_claims" in names:
        part = claims_request.get(place)
        wish = part.get("verified_claims") if isinstance(part, dict) else None
        verified = _verified(account, standing, names if wish is None else names & _asked_within(wish))
        if verified is not None:
            claims["verified_claims"] = verified
    return claims


def _asked_within(wish: Any) -> frozenset[str]:
    """The claims that a request for ``verified_claims`` names (OpenID Connect for Identity Assurance 1.0). None where it asks for what is not weighed
    here (another trust framework, an age, a kind of evidence, a value): what was proven in another way must not come as the answer.
    """
    verification, named = (wish.get("verification"), wish.get("claims")) if isinstance(wish, dict) else (None, None)
    if not isinstance(verification, dict) or not isinstance(named, dict) or set(wish) != {"verification", "claims"}:
        return frozenset()
    framework = verification.get("trust_framework")
    is_ours = framework in (None, {}, {"value": TRUST_FRAMEWORK}) or (
        isinstance(framework, dict) and set(framework) == {"values"} and TRUST_FRAMEWORK in _listed(framework["values"])
    )
    is_plain = all(value is None for name, value in verification.items() if name != "trust_framework")
    is_plain = is_plain and all(value is None or (isinstance(value, dict) and set(value) <= {"essential"}) for value in named.values())
    return frozenset(named) if is_ours and is_plain else frozenset()


def _listed(values: Any) -> list[Any]:
    return values if isinstance(values, list) else []


def _facts(account: Account) -> dict[str, Any]:
    number, mobile, mail = account.id_number, account.identifier(IdentifierKind.MOBILE), account.identifier(IdentifierKind.MAIL)
    is_person = account.kind is AccountKind.PERSON
    return {
        "name": account.name,
        "gender": _GENDER.get(account.attributes.get("sex", "")) if is_person else None,
        "birthdate": account.attributes.get("born_on") if is_person else None,
        "updated_at": int(account.changed_at.timestamp()),
        "phone_number": mobile.value if mobile else None,
        "phone_number_verified": mobile.verified_at is not None if mobile else None,
        "email": mail.value if mail else None,
        "email_verified": mail.verified_at is not None if mail else None,
        "address": {"formatted": account.attributes["address"]} if "address" in account.attributes else None,
        "account_kind": account.kind.value,
        "id_type": number.kind.value if number else None,
        "id_number": number.value if number else None,
        "level": account.level,
        "area": account.area or None,
        "organisation_type": account.attributes.get("organisation_type"),
    }


def _hashed(vault: Vault, account: Account, names: frozenset[str]) -> dict[str, Any]:
    # Of what nobody compared with anything there is none: it would stand in case files for somebody else
    number = account.id_number
    if number is None or number.verified_at is None or account.level < PROVEN_LEVEL:
        return {}
    make = vault.own_subject_hash or KeyedSubjectHash(vault.sealer)
    made = {"subject_hash": make(number.kind.value, number.value, account.name), "subject_hash_method": make.method}
    return {name: value for name, value in made.items() if name in names}


def _verified(account: Account, evidence: list[Evidence], names: frozenset[str]) -> dict[str, Any] | None:
    # Only what evidence stands behind may be called verified: the name, from level 2 on (real name compared), the number where it was verified
    # itself (a directory may claim any), and with a resident's number the date of birth that it holds
    facts, number = _facts(account), account.id_number
    provable = ["name"]
    if number is not None and number.verified_at is not None:
        provable += ["id_type", "id_number"]
        if number.kind is IdentifierKind.RESIDENT_ID and f"{read_resident_id(number.value).born_on}" == facts["birthdate"]:
            provable.append("birthdate")
    proven = {name: facts[name] for name in provable if name in names and facts[name] is not None}
    standing = [each for each in evidence if each.level >= PROVEN_LEVEL]
    if account.level < PROVEN_LEVEL or not standing or not proven:
        return None
    return {
        "verification": {
            "trust_framework": TRUST_FRAMEWORK,
            "assurance_level": acr_of(account.level),
            "time": f"{max(each.verified_at for each in standing):%Y-%m-%dT%H:%M:%SZ}",
            "evidence": [
                {
                    "type": "electronic_record",
                    "check_details": [{"check_method": each.method, "organization": each.source}],
                    "time": f"{each.verified_at:%Y-%m-%dT%H:%M:%SZ}",
                }
                for each in standing
            ],
        },
        "claims": proven,
    }
