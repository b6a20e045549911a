"""The envelope of the share interface: head and data in, head and data out. Strict: what is not named is refused."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fastapi import Response

from licence_vault import limits, share_codes
from licence_vault.actions.check_sharing import PUBLISHED_TYPE
from licence_vault.errors import share_malformed, share_member_missing
from standards.errors import Kind, TrustError
from standards.gbt36904_licence_number import NumberVerdict, examine_licence_number
from standards.rfc7493_i_json import StrictJsonError, read_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_HEAD: Final = frozenset({"accessId", "accessToken"})
_TOLD: Final = {
    "SHARE_MEMBER_MISSING": ("member",),
    "SHARE_REQUEST_MALFORMED": ("member", "rule"),
    "FIELD_UNACCEPTABLE": ("field", "rule"),
    "LICENCE_SHARING_DENIED": ("needs",),
}
"""Facts of refusals that the message carries, for the envelope has no other place for them: names and rules of ours, nothing that was sent."""
_TOKEN_CHARACTERS: Final = 8192
_TYPE_CODE: Final = re.compile(r"[0-9A-Z]{21}")


@dataclass(frozen=True, slots=True)
class ShareRequest:
    """A request as read. ``data``: members by name, texts, or one level of texts by name."""

    access_id: str
    access_token: str
    data: Mapping[str, Any]

    def __repr__(self) -> str:
        """Without the token and what is personal."""
        return f"ShareRequest({self.access_id!r})"


def read_request(body: bytes, needed: frozenset[str], allowed: frozenset[str], *, long_member: str = "") -> ShareRequest:
    """A request with all of ``needed`` and nothing besides these and ``allowed``; ``long_member`` may be of any length.

    Raises TrustError SHARE_MEMBER_MISSING, SHARE_REQUEST_MALFORMED, TOKEN_MISSING.
    """
    try:
        whole = read_json(body)
    except StrictJsonError:
        raise share_malformed("body", "JSON") from None
    except TrustError:
        raise share_malformed("body", "no member twice") from None
    if not isinstance(whole, dict) or whole.keys() != {"head", "data"}:
        raise share_malformed("body", "head and data")
    head, data = whole["head"], whole["data"]
    if not isinstance(head, dict) or not head.keys() <= _HEAD:
        raise share_malformed("head", "accessId and accessToken")
    access_id, token = (head.get(name) for name in ("accessId", "accessToken"))
    if not isinstance(access_id, str) or not isinstance(token, str) or not access_id or not token or len(token) > _TOKEN_CHARACTERS:
        raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_MISSING")
    if not isinstance(data, dict) or not data.keys() <= needed | allowed:
        raise share_malformed("data", f"no members besides {_listed(needed | allowed)}")
    found = {name: _member(name, _filled(value), is_long=name == long_member) for name, value in data.items() if value not in ("", None)}
    missing = sorted(needed - found.keys())
    if missing:
        raise share_member_missing(missing[0])
    return ShareRequest(access_id, token, found)


def read_parts(data: Mapping[str, Any], name: str, needed: frozenset[str], allowed: frozenset[str] = frozenset()) -> dict[str, str]:
    """The texts of a member that is an object. SHARE_MEMBER_MISSING, SHARE_REQUEST_MALFORMED."""
    value = data[name]
    if not isinstance(value, dict) or not value.keys() <= needed | allowed:
        raise share_malformed(name, f"an object with no members besides {_listed(needed | allowed)}")
    missing = sorted(each for each in needed if not value.get(each))
    if missing:
        raise share_member_missing(missing[0])
    return value


def read_text(data: Mapping[str, Any], name: str) -> str:
    """A member that is a text. SHARE_REQUEST_MALFORMED."""
    value = data[name]
    if not isinstance(value, str):
        raise share_malformed(name, "a text")
    return value


def read_identifier(data: Mapping[str, Any], name: str) -> str:
    """The identifier of a licence (GB/T 36904). SHARE_REQUEST_MALFORMED where no licence could have it."""
    text = read_text(data, name)
    if examine_licence_number(text).verdict is NumberVerdict.INVALID:
        raise share_malformed(name, "GB/T 36904")
    return text


def read_type_code(data: Mapping[str, Any]) -> str:
    """``certTypeCode``. SHARE_REQUEST_MALFORMED where no type could have it."""
    text = read_text(data, "certTypeCode")
    if _TYPE_CODE.fullmatch(text) is None:
        raise share_malformed("certTypeCode", "21 digits and capital letters")
    return text


def _filled(value: object) -> object:
    """What is sent of an object: a member with nothing in it is none, within as above."""
    return {name: each for name, each in value.items() if each not in ("", None)} if isinstance(value, dict) else value


def _member(name: str, value: object, *, is_long: bool) -> object:
    texts = list(value.values()) if isinstance(value, dict) else [value]
    if not all(isinstance(each, str) and (is_long or len(each) <= limits.SHARE_TEXT_CHARACTERS) for each in texts):
        raise share_malformed(name, f"texts of at most {limits.SHARE_TEXT_CHARACTERS} characters")
    return value


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))


def write_answer(data: object) -> Response:
    """What was asked for."""
    return _write(share_codes.OK, share_codes.RETURN_CODES[share_codes.OK], data)


def write_refusal(error: TrustError, members: Collection[str] = ()) -> Response:
    """A refusal by its return code; the message carries our stable code besides. What says nothing about the request is no answer: it is raised.

    A service that the deployment has not is an answer, too: asked again it has it no sooner.
    ``members``: those of the call, so that the message names the one that was sent and not what it is called behind it.
    """
    if error.kind in {Kind.UNAVAILABLE, Kind.TOO_MANY, Kind.TOO_LARGE} and error.code not in share_codes.REFUSALS:
        raise error
    status = status_of(error)
    meaning = share_codes.RETURN_CODES.get(status, share_codes.RETURN_CODES[share_codes.OTHER])
    told = ": ".join(_as_called(name, str(error.facts[name]), members) for name in _TOLD.get(error.code, ()) if name in error.facts)
    return _write(status, f"{meaning} ({error.code})" + (f" {told}" if told else ""), None)


def _as_called(name: str, fact: str, members: Collection[str]) -> str:
    called = share_codes.FIELDS.get(fact, ()) if name == "field" else ()
    return next((each for each in called if each.partition(".")[0] in members), fact)


def status_of(error: TrustError) -> int:
    """head.status of a refusal."""
    if error.code == "LICENCE_NOT_IN_FORCE":
        return int(str(error.facts["share"]))
    if error.code == "SHARE_MEMBER_MISSING":
        return share_codes.MISSING_MEMBERS.get(str(error.facts["member"]), share_codes.MISSING)
    if error.code == "LICENCE_SHARING_DENIED" and error.facts.get("needs") == PUBLISHED_TYPE:
        return share_codes.TYPE_UNPUBLISHED
    if error.code == "SHARE_REQUEST_MALFORMED":
        return share_codes.MALFORMED_MEMBERS.get(str(error.facts["member"]), share_codes.BAD_PARAMETER)
    return share_codes.REFUSALS.get(error.code, share_codes.OTHER)


def _write(status: int, message: str, data: object) -> Response:
    body = {"head": {"status": str(status), "message": message}, "data": data}
    return Response(json.dumps(body, ensure_ascii=False), media_type="application/json", headers={"cache-control": "no-store"})
