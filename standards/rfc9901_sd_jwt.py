"""Selective disclosure for JWTs (RFC 9901): disclosures, their digests, the compact form, and what a payload says once they are put back.

Digests and salts are passed in: nothing here computes or draws any. The JWTs inside are texts here; whoever verifies them does so before
he believes what ``reveal`` gives. Reading is strict: base64url in its one spelling, JSON without duplicate members, the reserved names
where the standard puts them and nowhere else, every disclosure used exactly once.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from standards.errors import MalformedError
from standards.rfc7493_i_json import StrictJsonError, read_strict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

TOKEN_TYPE_KEY_BINDING: Final = "kb+jwt"  # noqa: S105 - 4.3
DIGEST_NAME_DEFAULT: Final = "sha-256"  # 4.1.1, in the names of the registry of RFC 6920
DIGESTS: Final = "_sd"
DIGEST_NAME: Final = "_sd_alg"
ELEMENT: Final = "..."
COMBINED_CHARACTERS: Final = 64 * 1024
DISCLOSURES: Final = 256
DISCLOSURE_CHARACTERS: Final = 16 * 1024
EMBEDDED_DIGESTS: Final = 1024  # with decoys, and in all disclosures together
DEPTH: Final = 16
SALT_CHARACTERS: Final = 256
INTEGER_CHARACTERS: Final = 20
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_DIGEST: Final = re.compile(r"[A-Za-z0-9_-]{43,86}")  # 32 to 64 octets


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One claim with its salt. ``name`` None: an element of an array. ``text``: base64url, over whose characters the digest is."""

    text: str
    salt: str
    name: str | None
    value: Any


@dataclass(frozen=True, slots=True)
class Combined:
    """The parts of the compact form. ``key_binding`` None: an SD-JWT, without a proof by its holder."""

    token: str
    disclosures: tuple[str, ...]
    key_binding: str | None = None

    @property
    def bound_text(self) -> str:
        """What ``sd_hash`` is a digest of: everything up to the last tilde (4.3.1)."""
        return "~".join((self.token, *self.disclosures, ""))


def refused(rule: str) -> MalformedError:
    """The one refusal of everything here; ``rule`` says which, never what was found."""
    return MalformedError("SD_JWT_FORM", rule=rule)


# ---- the compact form


def write_combined(combined: Combined) -> str:
    """The compact form (4)."""
    return combined.bound_text + (combined.key_binding or "")


def read_combined(text: str) -> Combined:
    """Take the compact form apart. SD_JWT_FORM; nothing in it is verified or decoded yet."""
    if len(text) > COMBINED_CHARACTERS:
        raise refused("length")
    token, *disclosures, last = text.split("~") if "~" in text else (text, None)
    if last is None:  # an ordinary JWT is no SD-JWT (4)
        raise refused("tilde")
    if not _TOKEN.fullmatch(token) or (last and not _TOKEN.fullmatch(last)):
        raise refused("token")
    if len(disclosures) > DISCLOSURES:
        raise refused("disclosures")
    if not all(_BASE64URL.fullmatch(each) and len(each) <= DISCLOSURE_CHARACTERS for each in disclosures):
        raise refused("disclosure")
    return Combined(token, tuple(disclosures), last or None)


# ---- disclosures


def write_disclosure(salt: str, name: str | None, value: object) -> Disclosure:
    """A disclosure of a member (``name``) or of an element of an array (None). ``salt``: 128 bits at least, base64url. ValueError for reserved names."""
    if name in {DIGESTS, ELEMENT}:
        raise ValueError("the name is reserved")
    content = [salt, value] if name is None else [salt, name, value]
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
    return Disclosure(_write_base64url(data), salt, name, value)


def read_disclosure(text: str) -> Disclosure:
    """Read a disclosure (4.2). SD_JWT_FORM."""
    if not _BASE64URL.fullmatch(text) or len(text) > DISCLOSURE_CHARACTERS:
        raise refused("disclosure")
    content = _read_json(_read_base64url(text))
    if not isinstance(content, list) or len(content) not in {2, 3}:
        raise refused("disclosure")
    salt, *name, value = content
    if not isinstance(salt, str) or len(salt) > SALT_CHARACTERS:
        raise refused("salt")
    if not name:
        return Disclosure(text, salt, None, value)
    if not isinstance(name[0], str) or name[0] in {DIGESTS, ELEMENT}:
        raise refused("name")
    return Disclosure(text, salt, name[0], value)


def digest_of(text: str, digest: Callable[[bytes], bytes]) -> str:
    """The digest of a disclosure, or of ``bound_text``, as it stands in tokens (4.2.3). ``digest``: octets -> 32 octets or more."""
    return _write_base64url(digest(text.encode("ascii")))


# ---- the payload


def reveal(payload: Mapping[str, Any], disclosures: Sequence[str], digest: Callable[[bytes], bytes]) -> dict[str, Any]:
    """The payload with what was disclosed in its place, and without any trace of what was not (7.1, steps 3 to 5).

    ``payload``: of the verified token. ``digest``: the algorithm its ``_sd_alg`` names. SD_JWT_FORM where a digest stands in two places, a
    disclosure belongs nowhere, comes twice or is of the wrong kind, a name is there already, or reserved names are used otherwise.
    """
    by_digest: dict[str, Disclosure] = {}
    for text in disclosures:
        found = by_digest.setdefault(digest_of(text, digest), read_disclosure(text))
        if len(by_digest) > DISCLOSURES:
            raise refused("disclosures")
        if found.text != text:
            raise refused("two disclosures of one digest")
    if len(by_digest) != len(disclosures):
        raise refused("disclosure comes twice")
    seen: set[str] = set()
    top = {name: value for name, value in payload.items() if name != DIGEST_NAME}
    revealed = _reveal_object(top, by_digest, seen, 0)
    if not by_digest.keys() <= seen:
        raise refused("disclosure belongs nowhere")
    return revealed


def digest_name_of(payload: Mapping[str, Any]) -> str:
    """By which algorithm a payload's digests are (4.1.1). SD_JWT_FORM where that is not a text."""
    name = payload.get(DIGEST_NAME, DIGEST_NAME_DEFAULT)
    if not isinstance(name, str):
        raise refused("_sd_alg")
    return name


def _reveal(value: Any, by_digest: Mapping[str, Disclosure], seen: set[str], depth: int) -> Any:
    if depth > DEPTH:
        raise refused("depth")
    if isinstance(value, dict):
        return _reveal_object(value, by_digest, seen, depth)
    if isinstance(value, list):
        return _reveal_array(value, by_digest, seen, depth)
    return value


def _reveal_object(members: Mapping[str, Any], by_digest: Mapping[str, Disclosure], seen: set[str], depth: int) -> dict[str, Any]:
    if ELEMENT in members or DIGEST_NAME in members:  # the one of an array is taken there, the other stands at the top alone
        raise refused("reserved name")
    revealed = {name: _reveal(value, by_digest, seen, depth + 1) for name, value in members.items() if name != DIGESTS}
    digests = members.get(DIGESTS, [])
    if not isinstance(digests, list):
        raise refused("_sd")
    for each in digests:
        disclosure = _take(each, by_digest, seen)
        if disclosure is None:
            continue
        if disclosure.name is None:
            raise refused("kind of disclosure")
        if disclosure.name in revealed or disclosure.name == DIGEST_NAME:
            raise refused("name is there already")
        revealed[disclosure.name] = _reveal(disclosure.value, by_digest, seen, depth + 1)
    return revealed


def _reveal_array(elements: Sequence[Any], by_digest: Mapping[str, Disclosure], seen: set[str], depth: int) -> list[Any]:
    revealed = []
    for element in elements:
        if not (isinstance(element, dict) and element.keys() == {ELEMENT}):
            revealed.append(_reveal(element, by_digest, seen, depth + 1))
            continue
        disclosure = _take(element[ELEMENT], by_digest, seen)
        if disclosure is None:
            continue
        if disclosure.name is not None:
            raise refused("kind of disclosure")
        revealed.append(_reveal(disclosure.value, by_digest, seen, depth + 1))
    return revealed


def _take(digest: Any, by_digest: Mapping[str, Disclosure], seen: set[str]) -> Disclosure | None:
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise refused("digest")
    if digest in seen:
        raise refused("digest stands in two places")
    seen.add(digest)
    if len(seen) > EMBEDDED_DIGESTS:
        raise refused("digests")
    return by_digest.get(digest)


class Concealer:
    """Makes the digests and collects the disclosures of one SD-JWT. ``digest``: octets -> octets; ``salt``: a fresh one of 128 bits, base64url."""

    def __init__(self, digest: Callable[[bytes], bytes], salt: Callable[[], str]) -> None:
        self._digest = digest
        self._salt = salt
        self.disclosures: list[Disclosure] = []

    def conceal_members(self, members: Mapping[str, object], decoys: int = 0) -> dict[str, list[str]]:
        """An ``_sd`` that hides members, with as many ``decoys``: digests of nothing, so that their number says nothing (4.2.5, 4.2.7).

        Sorted by digest, so that the order says nothing either.
        """
        digests = [self._add(name, value) for name, value in members.items()]
        digests += [digest_of(self._salt(), self._digest) for _ in range(decoys)]
        return {DIGESTS: sorted(digests)} if digests else {}

    def conceal_element(self, value: object) -> dict[str, str]:
        """What stands in an array instead of an element (4.2.6)."""
        return {ELEMENT: self._add(None, value)}

    def _add(self, name: str | None, value: object) -> str:
        disclosure = write_disclosure(self._salt(), name, value)
        self.disclosures.append(disclosure)
        return digest_of(disclosure.text, self._digest)


# ---- base64url and JSON


def _write_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _read_base64url(text: str) -> bytes:
    # the alphabet is checked by the caller; what is left is the length, and bits that would be thrown away
    data = b"" if len(text) % 4 == 1 else base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _write_base64url(data) != text:
        raise refused("base64url")
    return data


def _read_json(data: bytes) -> Any:
    try:
        return read_strict(data)
    except StrictJsonError as error:
        raise refused(error.rule) from None
