"""The messages of OpenID4VP 1.0 by which a verifier asks a wallet for a licence: the question as a DCQL query, and the answer. Pure.

The request goes by value with a client identifier of the kind ``redirect_uri``: the wallet learns where its answer goes, and that nobody
vouches for who asks. Nobody but the address in the identifier gets the answer, and the holder's signature names that address.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from crypto.report import Question, failed, passed, verdict_of, worst
from licence_vault.credential_errors import credential_request_malformed, presentation_question_unfit
from licence_vault.credentials.check_credential import CheckedCredential, DemandedBinding, check_credential
from licence_vault.credentials.lanes import LANES, LaneName
from licence_vault.credentials.sd_jwt_vc import CLAIMS, TOKEN_TYPE, vct_of
from standards.rfc7493_i_json import StrictJsonError, read_strict_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from crypto.jose import VerificationKey

PATH: Final = "/licences/presentations/"
QUERY_ID: Final = "licence"
PATHS_MAX: Final = 32
PATH_DEPTH_MAX: Final = 4
NAME_CHARACTERS_MAX: Final = 64
TYPES_MAX: Final = 16
ELEMENTS_MAX: Final = 10_000
ANSWER: Final = "answer"  # the name of the question in the report
_TYPE_CODE: Final = re.compile(r"[0-9A-Za-z]{1,64}")
_CLAUSE: Final = "OpenID4VP 6.4"

ClaimPath = tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class LicenceQuestion:
    """What a verifier wants to see: a licence of one of these types, at least these claims, in one of these lanes.

    A path is of DCQL (7): a name goes to a member, None to every element of an array, an integer to one.
    """

    type_codes: tuple[str, ...]
    paths: tuple[ClaimPath, ...]
    lanes: tuple[LaneName, ...]


@dataclass(frozen=True, slots=True)
class WalletAnswer:
    """What a wallet sent: a presentation, or (None) why it sends none."""

    state: str
    presentation: str | None
    error: str | None


def read_question(type_codes: Sequence[str], paths: Sequence[Sequence[str | int | None]], lanes: Sequence[LaneName]) -> LicenceQuestion:
    """A question within its limits. PRESENTATION_QUESTION_UNFIT names the part."""
    if not 0 < len(type_codes) <= TYPES_MAX or not all(_TYPE_CODE.fullmatch(each) for each in type_codes):
        raise presentation_question_unfit("types")
    if not 0 < len(paths) <= PATHS_MAX or not all(_is_path(path) for path in paths):
        raise presentation_question_unfit("claims")
    if not lanes:
        raise presentation_question_unfit("lanes")
    distinct = tuple(dict.fromkeys(tuple(path) for path in paths))
    return LicenceQuestion(tuple(dict.fromkeys(type_codes)), distinct, tuple(dict.fromkeys(lanes)))


def _is_path(path: Sequence[str | int | None]) -> bool:
    if not 0 < len(path) <= PATH_DEPTH_MAX or path[0] not in CLAIMS:
        return False
    for part in path[1:]:
        if isinstance(part, str) and not 0 < len(part) <= NAME_CHARACTERS_MAX:
            return False
        if isinstance(part, int) and not 0 <= part < ELEMENTS_MAX:
            return False
    return True


def write_question(question: LicenceQuestion) -> str:
    """As it is kept, JSON."""
    return json.dumps([question.type_codes, question.paths, question.lanes], separators=(",", ":"))


def read_kept_question(text: str) -> LicenceQuestion:
    """The reverse of ``write_question``."""
    types, paths, lanes = json.loads(text)
    return LicenceQuestion(tuple(types), tuple(tuple(path) for path in paths), tuple(LaneName(each) for each in lanes))


def answer_address(base_url: str, request_id: str) -> str:
    """Where the wallet sends its answer (8.2 ``response_uri``)."""
    return f"{base_url}{PATH}{request_id}/answer"


def client_id_of(base_url: str, request_id: str) -> str:
    """Who asks, as the wallet is told and as the holder signs it (5.9.3 ``redirect_uri``)."""
    return "redirect_uri:" + answer_address(base_url, request_id)


def write_request(question: LicenceQuestion, *, base_url: str, request_id: str, nonce: str, state: str) -> dict[str, Any]:
    """The authorization request (5), its members as JSON values."""
    algorithms = [str(LANES[lane].algorithm) for lane in question.lanes]
    return {
        "response_type": "vp_token",
        "response_mode": "direct_post",
        "client_id": client_id_of(base_url, request_id),
        "response_uri": answer_address(base_url, request_id),
        "nonce": nonce,
        "state": state,
        "dcql_query": {
            "credentials": [
                {
                    "id": QUERY_ID,
                    "format": TOKEN_TYPE,
                    "meta": {"vct_values": [vct_of(base_url, code) for code in question.type_codes]},
                    "claims": [{"path": list(path)} for path in question.paths],
                }
            ]
        },
        "client_metadata": {"vp_formats_supported": {TOKEN_TYPE: {"sd-jwt_alg_values": algorithms, "kb-jwt_alg_values": algorithms}}},
    }


def write_request_uri(request: Mapping[str, Any]) -> str:
    """The request as wallets take it from a link or a printed code."""
    texts = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        for name, value in request.items()
    }
    return "openid4vp://?" + urlencode(texts)


def read_answer(form: Mapping[str, str]) -> WalletAnswer:
    """Read a wallet's answer (8.1, 8.2): one presentation for the one query, or an error. CREDENTIAL_REQUEST_MALFORMED."""
    state = form.get("state", "")
    if not state:
        raise credential_request_malformed("state")
    if "error" in form and "vp_token" not in form:
        return WalletAnswer(state, None, form["error"][:NAME_CHARACTERS_MAX])
    if "error" in form or "vp_token" not in form:
        raise credential_request_malformed("vp_token")
    try:
        token = read_strict_object(form["vp_token"].encode("utf-8", "surrogatepass"))
    except StrictJsonError:
        raise credential_request_malformed("vp_token") from None
    presentations = token.get(QUERY_ID)
    if token.keys() != {QUERY_ID} or not isinstance(presentations, list) or len(presentations) != 1:
        raise credential_request_malformed("vp_token")
    if not isinstance(presentations[0], str):
        raise credential_request_malformed("vp_token")
    return WalletAnswer(state, presentations[0], None)


def check_answer(
    presentation: str,
    question: LicenceQuestion,
    *,
    base_url: str,
    request_id: str,
    nonce: str,
    issuers: Mapping[str, Mapping[str, VerificationKey]],
    at: datetime,
    status_of: Callable[[str, int], int | None],
) -> CheckedCredential:
    """The verdict on an answer: the credential, its holder's binding, and whether what was asked for is there. Never raises.

    ``issuers``, ``status_of``, ``at``: as for ``check_credential``; only keys of the question's lanes count.
    """
    algorithms = {LANES[lane].algorithm for lane in question.lanes}
    counting = {issuer: {key_id: key for key_id, key in keys.items() if key.algorithm in algorithms} for issuer, keys in issuers.items()}
    checked = check_credential(
        presentation,
        issuers=counting,
        at=at,
        status_of=status_of,
        binding=DemandedBinding(client_id_of(base_url, request_id), nonce),
        vcts={vct_of(base_url, code) for code in question.type_codes},
    )
    missing = [path for path in question.paths if checked.claims is None or not reaches(checked.claims, path)]
    said = failed("PRESENTATION_INCOMPLETE", _CLAUSE, count=len(missing)) if missing else passed("PRESENTATION_COMPLETE", _CLAUSE)
    answered = Question(ANSWER, verdict_of((said,)), (said,))
    report = replace(checked.report, verdict=worst((checked.report.verdict, answered.verdict)), questions=(answered,))
    return replace(checked, report=report)


def reaches(claims: Mapping[str, Any], path: ClaimPath) -> bool:
    """Whether a path leads to anything in claims (7.1)."""
    places: Iterable[Any] = [claims]
    for part in path:
        found: list[Any] = []
        for place in places:
            if isinstance(part, str) and isinstance(place, dict) and part in place:
                found.append(place[part])
            elif part is None and isinstance(place, list):
                found += place
            elif isinstance(part, int) and isinstance(place, list) and part < len(place):
                found.append(place[part])
        if not found:
            return False
        places = found
    return True
