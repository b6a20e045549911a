"""A server of SCIM 2.0 (RFC 7643, 7644, 9865) as a directory that is followed: it has no feed, so it is asked again and again.

A pass goes over Users, then over Groups where organisations are taken: those changed since the pass before, where the server filters by
``meta.lastModified``, else all of them; by cursors where it offers them, else by index. What is as it was told before is passed over by its digest.
From when on the next pass asks is what the server's own clock said (Date) when this one began, less an overlap: no clock here has a part in it.
Deleted resources only a survey misses.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from crypto.sm3 import sm3
from idp.connectors.followed import Item, Page, Survey, answer_invalid, cursor_refused, facts_wrong
from idp.connectors.followed_http import member
from idp.model.changes import BUCKETS, Entry, SubjectKind, bucket_of
from idp.model.follow import CURSOR_CHARACTERS_MAX, SUBJECT_CHARACTERS_MAX, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from idp.connectors.followed_http import SourceCaller

PAGE: Final = 100
RESOURCES_MAX: Final = 1_000_000  # of one pass: a server that never comes to an end is no directory
MEMBERS_MAX: Final = 5000
OVERLAP_SECONDS: Final = 120  # what was stored under an earlier time than it was seen
AHEAD_SECONDS: Final = 300  # no resource is believed to be from further in the future
EXTENSIONS: Final = ("urn:yinxin:params:scim:schemas:1.0:Person", "urn:yinxin:params:scim:schemas:1.0:Organisation")
_SCIM: Final = "application/scim+json, application/json"
_COLLECTIONS: Final = ("Users", "Groups")
_KINDS: Final = {"Users": SubjectKind.PERSON, "Groups": SubjectKind.ORGANISATION}
_REFUSED: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.NOT_IMPLEMENTED)


@dataclass(frozen=True, slots=True)
class _Pass:
    """Where a pass is. ``since``, ``began``: RFC 3339 by the server's clock, empty: not known. ``place``: start index or the server's cursor."""

    since: str = ""
    began: str = ""
    collection: int = 0
    place: str = ""
    seen: int = 0

    def text(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class _Able:
    filters: bool
    cursors: bool


class ScimDirectory:
    """See ``FollowedDirectory``. ``now``: only to tell times that lie ahead."""

    is_absence_end = True

    def __init__(self, caller: SourceCaller, now: Callable[[], datetime], *, with_groups: bool) -> None:
        self._caller = caller
        self._now = now
        self._collections = _COLLECTIONS if with_groups else _COLLECTIONS[:1]
        self._able: _Able | None = None
        self._surveyed: dict[int, list[Entry]] = {}

    def page(self, cursor: str) -> Page:
        """One page of the pass; behind its last the next pass begins."""
        at = _read_pass(cursor)
        collection = self._collections[at.collection % len(self._collections)]
        listed, following, date = self._list(collection, at.place, at.since)
        seen = at.seen + len(listed)
        if seen > RESOURCES_MAX:
            raise answer_invalid("endless")
        at = replace(at, began=at.began or date, seen=seen)
        if following:
            behind = replace(at, place=following)
        elif at.collection + 1 < len(self._collections):
            behind = replace(at, place="", collection=at.collection + 1)
        else:
            behind = _Pass(since=at.began)
        has_more = bool(following) or behind.collection > at.collection
        # The cursor moves with the page's last item: those before it are told again after a crash, and passed over by their digests
        text = behind.text()
        if len(text) > CURSOR_CHARACTERS_MAX:
            raise answer_invalid("cursor")
        items = [self._item(collection, each, cursor) for each in listed]
        return Page(tuple(items), text, has_more)

    def fetch(self, subject_id: str) -> Told:
        """The resource; gone where the server says so."""
        collection, _, name = subject_id.partition("/")
        path = f"/{collection}/{quote(name, safe='')}"
        status, resource, _ = self._caller.get(path, _SCIM, also=(HTTPStatus.NOT_FOUND, HTTPStatus.GONE))
        if status != HTTPStatus.OK:
            return Told(subject_id, _KINDS[collection], None, 0, b"", None)
        told = self._told(collection, resource)
        if told.subject_id != subject_id:
            raise facts_wrong("subject")
        return told

    def survey(self) -> Survey:
        """Every resource, page by page: what a server has not got cannot be asked for."""
        began, seen, entries, counts = "", 0, dict[str, Entry](), dict[str, int]()
        for collection in self._collections:
            place = ""
            while True:
                listed, place, date = self._list(collection, place, "")
                began, seen = began or date, seen + len(listed)
                for each in listed:
                    subject_id, _, digest = self._named(collection, each)
                    if subject_id in entries:
                        continue  # moved from one page to the next while we looked
                    entries[subject_id] = Entry(subject_id, 0, digest.hex())
                    is_active = _document(each, collection)[0].get("active", True)
                    name = f"{_KINDS[collection].value} {'active' if is_active else 'disabled'}"
                    counts[name] = counts.get(name, 0) + 1
                if seen > RESOURCES_MAX or (place and not listed):
                    raise answer_invalid("endless")
                if not place:
                    break
        self._surveyed = {number: [] for number in range(BUCKETS)}
        for subject_id in sorted(entries):
            self._surveyed[bucket_of(subject_id)].append(entries[subject_id])
        return Survey(_Pass(since=began).text(), None, counts)

    def entries(self, bucket: int) -> list[Entry]:
        """Of the survey."""
        return self._surveyed[bucket]

    def _list(self, collection: str, place: str, since: str) -> tuple[list[dict[str, Any]], str, str]:
        """Resources, the place of the next page (empty: this was the last), and when the server's clock says it is, less the overlap."""
        able = self._abilities()
        asked = {"count": str(PAGE)}
        if since and able.filters:
            asked["filter"] = f'meta.lastModified ge "{since}"'
        start = int(place) if place.isdigit() and not able.cursors else 1
        asked |= {"cursor": place} if able.cursors else {"startIndex": str(start)}
        status, told, answer = self._caller.get(f"/{collection}?{urlencode(asked)}", _SCIM, also=_REFUSED)
        if status != HTTPStatus.OK and "filter" in asked and not place:
            self._able = replace(able, filters=False)  # it has filters, but not this one, or not over so many
            return self._list(collection, place, since)
        if status != HTTPStatus.OK and place:
            raise cursor_refused()
        if status == HTTPStatus.NOT_FOUND and collection == "Groups":
            return [], "", _server_time(answer.headers.get("date", ""), self._now())
        if status != HTTPStatus.OK:
            raise answer_invalid(collection)
        listed = told.get("Resources", [])
        if not isinstance(listed, list) or len(listed) > PAGE * 10 or not all(isinstance(each, dict) for each in listed):
            raise answer_invalid("Resources")
        following = told.get("nextCursor") or ""
        if not isinstance(following, str) or (following and following == place):
            raise answer_invalid("nextCursor")
        if not able.cursors:
            total = member(told, "totalResults", int)
            following = str(start + len(listed)) if listed and start + len(listed) <= total else ""
        return listed, following, _server_time(answer.headers.get("date", ""), self._now())

    def _abilities(self) -> _Able:
        if self._able is None:
            _, told, _ = self._caller.get("/ServiceProviderConfig", _SCIM, also=_REFUSED)
            filters, pages = _part(told, "filter"), _part(told, "pagination")  # of a refusal nothing was read
            self._able = _Able(filters.get("supported") is True, pages.get("cursor") is True)
        return self._able

    def _item(self, collection: str, resource: dict[str, Any], cursor: str) -> Item:
        """Of what is told of it nothing is taken where too much is: asked for by name it is refused for itself, and holds up no other."""
        named = self._named(collection, resource)
        return Item(*named, cursor, None if _has_too_many(resource) else self._told(collection, resource))

    def _named(self, collection: str, resource: dict[str, Any]) -> tuple[str, int, bytes]:
        """What a resource is called, when it was changed last (``_changed``), and the digest of all that is told of it."""
        name = resource.get("id")
        if not isinstance(name, str) or not 0 < len(name) <= SUBJECT_CHARACTERS_MAX - len("Groups/") or not name.isprintable():
            raise answer_invalid("id")
        rest = {key: value for key, value in resource.items() if key != "meta"}
        written = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        return f"{collection}/{name}", _changed(resource, self._now() + timedelta(seconds=AHEAD_SECONDS)), sm3(written)

    def _told(self, collection: str, resource: dict[str, Any]) -> Told:
        if _has_too_many(resource):
            raise facts_wrong("members")
        subject_id, seen, digest = self._named(collection, resource)
        document, known, is_relayed = _document(resource, collection)
        members = frozenset(f"Users/{each}" for each in _members(resource)) if collection == "Groups" else None
        return Told(subject_id, _KINDS[collection], None, seen, digest, document, known, is_relayed, members)


def _read_pass(cursor: str) -> _Pass:
    if not cursor:
        return _Pass()
    try:
        return _Pass(**json.loads(cursor))
    except (ValueError, TypeError):
        raise cursor_refused() from None


def _server_time(date: str, now: datetime) -> str:
    """The server's clock less the overlap; where it does not say, ours less a longer one."""
    try:
        at = parsedate_to_datetime(date)
    except (ValueError, TypeError):
        at = now - timedelta(seconds=AHEAD_SECONDS)
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return f"{at.astimezone(UTC) - timedelta(seconds=OVERLAP_SECONDS):%Y-%m-%dT%H:%M:%SZ}"


def _changed(resource: dict[str, Any], latest: datetime) -> int:
    """When it was changed last, in microseconds since 1970, not after ``latest``; 0 where the server does not say."""
    meta = resource.get("meta")
    try:
        at = datetime.fromisoformat(meta["lastModified"]) if isinstance(meta, dict) else None
    except (KeyError, TypeError, ValueError):
        at = None
    if at is None:
        return 0
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(int(min(at, latest).timestamp() * 1_000_000), 0)


def _document(resource: dict[str, Any], collection: str) -> tuple[dict[str, Any], tuple[str, ...], bool]:
    """The resource as its fields are found in it, what others call the subject, and whether the server has it from another directory."""
    extension: dict[str, Any] = next((each for name in EXTENSIONS if isinstance(each := resource.get(name), dict)), {})
    login = resource.get("userName")
    stated = login if isinstance(login, str) and login != resource["id"] else ""
    number = {extension["idType"]: extension["idNumber"]} if _are_texts(extension, "idType", "idNumber") else {}
    document = {
        **resource,
        "extension": extension,
        "name": {**_part(resource, "name"), "formatted": _name(resource) or stated},
        "identifiers": {**number, **({"login": stated} if stated and collection == "Users" else {})},
    }
    if collection == "Groups" and "active" in extension:
        document["active"] = extension["active"]
    followed = extension.get("followed", [])
    known = [resource.get("externalId"), *(followed if isinstance(followed, list) else [])]
    return document, tuple(each for each in known if isinstance(each, str)), bool(followed)


def _are_texts(holder: dict[str, Any], *names: str) -> bool:
    return all(isinstance(holder.get(name), str) and holder[name] for name in names)


def _part(resource: dict[str, Any], name: str) -> dict[str, Any]:
    found = resource.get(name)
    return found if isinstance(found, dict) else {}


def _name(resource: dict[str, Any]) -> str:
    parts = _part(resource, "name")
    for each in (resource.get("displayName"), parts.get("formatted")):
        if isinstance(each, str) and each.strip():
            return each
    family, given = (str(parts.get(each) or "") for each in ("familyName", "givenName"))
    return f"{given} {family}".strip() if (family + given).isascii() else family + given


def _has_too_many(resource: dict[str, Any]) -> bool:
    listed = resource.get("members")
    return isinstance(listed, list) and len(listed) > MEMBERS_MAX


def _members(resource: dict[str, Any]) -> Iterator[str]:
    listed = resource.get("members", [])
    if not isinstance(listed, list):
        raise answer_invalid("members")
    for each in listed:
        if isinstance(each, dict) and isinstance(each.get("value"), str) and str(each.get("type", "User")) == "User":
            yield each["value"]
