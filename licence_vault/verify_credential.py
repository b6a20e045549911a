"""Verify a credential that a wallet shows, without a network: the issuer's published keys, and the status lists in a trust list.

Pure, as every verifier of the house: nothing is raised on hostile input, and what is not known is not valid.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from crypto.jose import read_jwks, read_strict_json
from crypto.report import Question, Said, Verdict, failed, passed, verdict_of, warned, worst
from licence_vault import limits
from licence_vault.credential_errors import credential_keys_unfit
from licence_vault.credentials.check_credential import CheckedCredential, DemandedBinding, check_credential, day_of
from licence_vault.status.at_hand import status_at_hand
from licence_vault.validity import DATA_CLAUSE
from standards.errors import TrustError
from standards.gbt36904_licence_number import NumberVerdict, examine_licence_number
from standards.rfc9901_sd_jwt import COMBINED_CHARACTERS
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from crypto.jose import VerificationKey
    from crypto.report import Report, Step
    from crypto.trust_list import TrustList
    from licence_vault.model import AskedHolder

    Issuers = dict[str, dict[str, VerificationKey]]

_BEGINNING: Final = re.compile(rb"\s{0,64}[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+~")  # a token and a tilde: RFC 9901 4
_NUMBER_CLAUSE: Final = "GB/T 36904-2018"
_SEAL: Final = frozenset(
    {"CREDENTIAL_ALGORITHM", "CREDENTIAL_ISSUER_UNKNOWN", "CREDENTIAL_KEY_UNKNOWN", "CREDENTIAL_SIGNATURE_BAD", "CREDENTIAL_SIGNATURE"}
)
_STATUS: Final = ("CREDENTIAL_STATUS", "LICENCE_", "STATUS_LIST_")  # how the steps about status, and about the licence's days, begin


def verify_credential(
    text: str, trust: TrustList, issuers: Issuers, at: datetime, *, binding: DemandedBinding | None = None
) -> CheckedCredential:
    """The verdict at ``at`` (aware UTC). ``binding`` None: whether its holder shows it is not asked, only what the issuer signed."""
    ages: list[Step] = []

    def status_of(address: str, index: int) -> int | None:
        status, age = status_at_hand(address, index, trust, at)
        ages.extend(age)
        return status

    checked = check_credential(text, issuers=issuers, at=at, status_of=status_of, binding=binding)
    signature = checked.report.signatures[0]
    told = replace(signature, steps=(*signature.steps, *ages))  # how old the status is that the verdict rests on
    return replace(checked, report=replace(checked.report, signatures=(told, *checked.report.signatures[1:])))


def is_credential(data: bytes) -> bool:
    """Whether a file is a credential as text: a compact SD-JWT. What it is worth is another question."""
    return _BEGINNING.match(data[: COMBINED_CHARACTERS + 64]) is not None


def verify_credential_file(data: bytes, trust: TrustList, issuers: Issuers, at: datetime, *, holder: AskedHolder | None = None) -> Report:
    """The verdict on a credential in a file at ``at`` (aware UTC), with the questions that are asked of licence files. Pure, never raises.

    Not asked are the public log, of which a credential carries nothing, and whether its holder shows it: a file has been shown by nobody.
    ``holder``: who has it in his hand, with what says so; asked where the credential discloses its holders. Which licence it is is told where all
    the rest is shown to be good, and as far as it is disclosed; which office issued it, by the word of the credential's issuer alone.
    """
    found = verify_credential(data.decode("ascii", "replace").strip(), trust, issuers, at)
    steps = found.report.signatures[0].steps
    questions = [
        *_ask_number(found.claims),
        _question("content", [each for each in steps if each.code not in _SEAL and not each.code.startswith(_STATUS)]),
        _question("seal", [each for each in steps if each.code in _SEAL]),
        _question("status", [each for each in steps if each.code.startswith(_STATUS)]),
    ]
    is_good = all(each.verdict is Verdict.VALID for each in questions)
    says = _said(found.claims, is_holder_asked=holder is not None) if is_good and found.claims is not None else None
    if holder is not None:
        questions += _ask_holder(found.claims, holder)
    verdict = worst((found.report.verdict, *(each.verdict for each in questions)))
    return replace(found.report, verdict=verdict, questions=tuple(questions), says=says)


def _question(name: str, steps: list[Step]) -> Question:
    return Question(name, verdict_of(steps), tuple(steps))


def _ask_number(claims: Mapping[str, Any] | None) -> list[Question]:
    """The identifier, where it is disclosed."""
    identifier = None if claims is None else claims.get("identifier")
    if not isinstance(identifier, str):
        return []
    step = {
        NumberVerdict.VALID: passed("LICENCE_NUMBER_VALID", _NUMBER_CLAUSE),
        NumberVerdict.LEGACY_VARIANT: warned("LICENCE_NUMBER_LEGACY", _NUMBER_CLAUSE),
        NumberVerdict.INVALID: failed("LICENCE_NUMBER_INVALID", _NUMBER_CLAUSE, rule="form or check character"),
    }[examine_licence_number(identifier).verdict]
    return [_question("number", [step])]


def _said(claims: Mapping[str, Any], *, is_holder_asked: bool) -> Said | None:
    """As far as it is disclosed, in the form in which a licence says it; None where nothing disclosed says which licence it is."""
    authority = claims.get("issuing_authority")
    holders = claims.get("holders")
    names = [_text(_member(each, "name"), limits.NAME_CHARACTERS) for each in holders] if isinstance(holders, list) else []
    named = tuple(each for each in names if each is not None)
    is_named = 0 < len(named) == len(names) <= limits.HOLDERS
    told: dict[str, Any] = {
        "identifier": _text(claims.get("identifier"), limits.IDENTIFIER_CHARACTERS),
        "name": _text(claims.get("licence_name"), limits.NAME_CHARACTERS),
        "number": _text(claims.get("licence_number"), limits.PRINTED_NUMBER_CHARACTERS),
        "issuer": _text(_member(authority, "name"), limits.NAME_CHARACTERS),
        "issued_on": day_of(claims.get("issued_on")),
        "valid_from": day_of(claims.get("valid_from")),
        "valid_to": day_of(claims.get("valid_to")),  # a licence without end says none, and so does whoever keeps the end back
        "holders": named if is_named and not is_holder_asked else None,
    }
    if told["identifier"] is told["name"] is told["number"] is None:
        return None
    untold = {name for name, value in told.items() if value is None}
    return Said(**told, untold=frozenset(untold - {"holders"} if is_holder_asked else untold))


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _text(value: Any, limit: int) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= limit and is_plain_text(value) else None


def _ask_holder(claims: Mapping[str, Any] | None, asked: AskedHolder) -> list[Question]:
    """Where the holders are disclosed with name and code: that he who is asked about is one of them."""
    disclosed = [] if claims is None else claims.get("holders")
    holders = [each for each in disclosed if isinstance(each, dict)] if isinstance(disclosed, list) else []
    if not holders or not all(isinstance(each.get(member), str) for each in holders for member in ("name", "code")):
        return []
    is_one = asked.is_one_of((each["name"], each["code"]) for each in holders)
    step = passed("LICENCE_HOLDER_MATCHES", DATA_CLAUSE) if is_one else failed("LICENCE_HOLDER_OTHER", DATA_CLAUSE)
    return [_question("holder", [step])]


def read_issuer_keys(data: bytes) -> Issuers:
    """The keys of an issuer by his name, from his published metadata (draft-ietf-oauth-sd-jwt-vc 4.2): ``issuer`` and ``jwks``.

    A set of SM2 keys stands in the same form under the same issuer; the lanes are told apart by the keys. CREDENTIAL_KEYS_UNFIT.
    """
    try:
        members = read_strict_json(data)
        issuer, jwks = members.get("issuer"), members.get("jwks")
        if not isinstance(issuer, str) or not isinstance(jwks, dict):
            raise credential_keys_unfit()
        whole = json.dumps(jwks).encode()
        return {issuer: {**read_jwks(whole), **read_jwks(whole, gm=True)}}
    except TrustError:
        raise credential_keys_unfit() from None
