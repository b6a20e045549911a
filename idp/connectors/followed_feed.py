"""Another Yinxin as a directory that is followed: its feed of changes, its facts with their digests, its reconciliation (docs/reference/directory.md)."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from crypto.sm3 import sm3
from idp.connectors.followed import Item, Page, Survey, answer_invalid, cursor_refused, facts_wrong
from idp.connectors.followed_http import member
from idp.model.changes import (
    BUCKETS,
    ENTRIES_COMPARED_MAX,
    PAGE_ENTRIES_MAX,
    SALT_BYTES,
    Entry,
    SubjectKind,
    bucket_of,
    facts_digest,
    read_cursor,
)
from idp.model.federation import FOLLOWED
from idp.model.follow import Told
from idp.model.imports import VERSION_MAX

if TYPE_CHECKING:
    from idp.connectors.followed_http import SourceCaller

PAGE: Final = 200
_JSON: Final = "application/json"
_SUBJECT: Final = re.compile(r"(pe|or|ag)_[a-z2-7]{24}")
_KINDS: Final = {"pe": SubjectKind.PERSON, "or": SubjectKind.ORGANISATION, "ag": SubjectKind.AGENT}
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_COUNTS_MAX: Final = 64


class FeedDirectory:
    """See ``FollowedDirectory``."""

    is_absence_end = False  # it tells of every end, under the subject's number

    def __init__(self, caller: SourceCaller) -> None:
        self._caller = caller

    def page(self, cursor: str) -> Page:
        """Up to PAGE changes."""
        status, told, _ = self._caller.get(
            "/v1/account-changes?" + urlencode({"after": cursor, "limit": PAGE}), _JSON, also=(HTTPStatus.CONFLICT,)
        )
        if status == HTTPStatus.CONFLICT:
            raise cursor_refused()
        feed_id, reached = _cursor(member(told, "next", str))
        listed, has_more = member(told, "changes", list), member(told, "has_more", bool)
        position = _cursor(cursor)[1] if cursor else 0
        if (cursor and _cursor(cursor)[0] != feed_id) or len(listed) > PAGE or (has_more and not listed):
            raise answer_invalid("next")
        items = []
        for change in listed:
            if not isinstance(change, dict) or member(change, "position", int) != position + 1:
                raise answer_invalid("position")  # numbers have no gap: what is missing was kept from us
            position += 1
            items.append(
                Item(
                    _subject(change.get("subject_id")),
                    _version(change.get("version")),
                    _digest(change.get("digest")),
                    f"{feed_id}-{position}",
                )
            )
        if reached != position:
            raise answer_invalid("next")
        return Page(tuple(items), f"{feed_id}-{reached}", has_more)

    def fetch(self, subject_id: str) -> Told:
        """The facts, whole: the digest is made again."""
        status, told, _ = self._caller.get("/v1/account-facts/" + quote(subject_id, safe=""), _JSON, also=(HTTPStatus.NOT_FOUND,))
        if status == HTTPStatus.NOT_FOUND:
            raise facts_wrong("missing")
        facts = member(told, "facts", dict)
        digest, salt = _digest(told.get("digest")), _hexadecimal(told.get("salt"))
        if len(salt) != SALT_BYTES or facts_digest(salt, facts) != digest:
            raise facts_wrong("digest")
        kind = _KINDS[subject_id[:2]]
        name = "agent_id" if kind is SubjectKind.AGENT else "account_id"
        if facts.get(name) != subject_id or facts.get("kind") != kind.value:
            raise facts_wrong("subject")
        version = _version(told.get("version"))
        known = _upstreams(facts)
        return Told(
            subject_id,
            kind,
            version,
            version,
            digest,
            {**facts, "identifiers": _first_of_each(facts)},
            ids_elsewhere=tuple(each.partition("|")[2] for each in known),
            is_relayed=any(each.startswith(FOLLOWED) for each in known),
        )

    def survey(self) -> Survey:
        """Its counts and buckets."""
        _, told, _ = self._caller.get("/v1/account-reconciliation", _JSON)
        digests: dict[int, str] = {}
        for each in member(told, "buckets", list):
            number = each.get("bucket") if isinstance(each, dict) else None
            if type(number) is not int or not 0 <= number < BUCKETS or number in digests:
                raise answer_invalid("buckets")
            digests[number] = _digest(each.get("digest")).hex()
        counts = {}
        for each in member(told, "counts", list)[:_COUNTS_MAX]:
            if not isinstance(each, dict) or type(each.get("count")) is not int:
                raise answer_invalid("counts")
            counts[f"{str(each.get('kind'))[:16]} {str(each.get('status'))[:16]}"] = each["count"]
        cursor = member(told, "cursor", str)
        _cursor(cursor)
        empty = sm3(b"").hex()
        return Survey(cursor, {number: digests.get(number, empty) for number in range(BUCKETS)}, counts)

    def entries(self, bucket: int) -> list[Entry]:
        """Page by page; ids rise, so that there is an end."""
        found: list[Entry] = []
        after = ""
        while True:
            query = urlencode({"after": after, "limit": PAGE_ENTRIES_MAX})
            _, told, _ = self._caller.get(f"/v1/account-reconciliation/{bucket}?{query}", _JSON)
            for each in member(told, "entries", list):
                if not isinstance(each, dict):
                    raise answer_invalid("entries")
                entry = Entry(_subject(each.get("subject_id")), _version(each.get("version")), _digest(each.get("digest")).hex())
                if entry.subject_id <= after or bucket_of(entry.subject_id) != bucket or len(found) >= ENTRIES_COMPARED_MAX:
                    raise answer_invalid("entries")
                found.append(entry)
                after = entry.subject_id
            if "next_after" not in told:  # one of another version: half a bucket is not taken for all of it
                raise answer_invalid("next_after")
            following = told["next_after"]
            if following is None:
                return found
            if following != after or not told["entries"]:
                raise answer_invalid("next_after")


def _cursor(text: str) -> tuple[str, int]:
    found = read_cursor(text)
    if found is None:
        raise answer_invalid("cursor")
    return found


def _subject(value: Any) -> str:
    if not isinstance(value, str) or not _SUBJECT.fullmatch(value):
        raise answer_invalid("subject_id")
    return value


def _version(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= VERSION_MAX:  # 0 would begin the count anew: no feed does
        raise answer_invalid("version")
    return value


def _digest(value: Any) -> bytes:
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise answer_invalid("digest")
    return bytes.fromhex(value)


def _hexadecimal(value: Any) -> bytes:
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise facts_wrong("salt")
    return bytes.fromhex(value)


def _listed(facts: dict[str, Any]) -> list[dict[str, Any]]:
    listed = facts.get("identifiers", [])
    if not isinstance(listed, list) or not all(isinstance(each, dict) and isinstance(each.get("value"), str) for each in listed):
        raise facts_wrong("identifiers")
    return listed


def _upstreams(facts: dict[str, Any]) -> list[str]:
    return [each["value"] for each in _listed(facts) if each.get("kind") == "upstream"]


def _first_of_each(facts: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in _listed(facts):
        found.setdefault(str(each.get("kind")), each["value"])
    return found
