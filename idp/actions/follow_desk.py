"""What following other directories needs, and which directories are followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from crypto.jose import write_jwk
from crypto.signatures import SignatureAlgorithm
from idp.connectors.followed_feed import FeedDirectory
from idp.connectors.followed_http import SourceCaller, public_key
from idp.connectors.followed_scim import ScimDirectory
from idp.model.follow import SOURCES_MAX, SourceProtocol
from idp.store.follow import call_source, delete_source, insert_source, list_sources
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from crypto.keystore import Keystore
    from crypto.signer import Signer
    from idp.actions.people_desk import PeopleDesk
    from idp.connectors.followed import FollowedDirectory
    from idp.model.follow import FollowedSource
    from service_kit.outbound import Outbound

_KEY: Final = "followed-source-"


@dataclass(frozen=True, slots=True)
class FollowDesk:
    """``outbound``: the one way out; only addresses that the operator allows are reached."""

    people: PeopleDesk
    outbound: Outbound
    keystore: Keystore

    def open(self, source: FollowedSource, alive: Callable[[], None]) -> FollowedDirectory:
        """Who speaks to a source, for one turn. ``alive``: called before each call. KEY_UNKNOWN where its key is not here."""
        signer = self.keystore.signer(_KEY + source.code) if source.has_key else None
        caller = SourceCaller(source, self.outbound, self.people.clock.now, signer, alive)
        if source.protocol is SourceProtocol.FEED:
            return FeedDirectory(caller)
        return ScimDirectory(caller, self.people.clock.now, with_groups="organisation" in source.kinds)

    def public_jwk(self, source: FollowedSource) -> dict[str, Any] | None:
        """The key to register for the client at the source; None where it has a secret, or nothing."""
        return write_jwk(public_key(self.keystore.signer(_KEY + source.code))) if source.has_key else None


def add_source(desk: FollowDesk, source: FollowedSource, *, actor: str, is_operator: bool = True) -> None:
    """Follow a directory from now on. SOURCE_EXISTS, SOURCE_SETTING_INVALID (too many), OUTBOUND_REFUSED (its address is not allowed), AUDIT_UNAVAILABLE.

    ``is_operator`` False: a client's wish. SOURCE_CODE_FOREIGN where the code has stood for another address: what is told there would count for all whom
    that directory brought. That it has moved is the operator's to say.
    """
    people = desk.people
    for url in filter(None, (source.base_url, source.token_address)):
        desk.outbound.check_url(url)
    at = people.clock.now()
    if not is_operator:
        _demand_same_directory(desk, source, actor)
    if source.has_key:
        _ensure_key(desk, source)

    def store(connection: Connection) -> None:
        if len(list_sources(connection, people.vault)) >= SOURCES_MAX:
            raise TrustError(Kind.UNACCEPTABLE, "SOURCE_SETTING_INVALID", setting="code", limit=SOURCES_MAX)
        insert_source(connection, people.vault, source, at, actor)
        facts: dict[str, str | int | bool | None] = {
            "protocol": source.protocol.value,
            "base_url": source.base_url,
            "kinds": " ".join(source.kinds),
            "believed_level": source.believed_level,
        }
        people.audit.record(connection, at=at, actor=actor, action="source.add", subject=source.actor, outcome="done", facts=facts)

    people.database.write(store)


def _demand_same_directory(desk: FollowDesk, source: FollowedSource, actor: str) -> None:
    """Raise SOURCE_CODE_FOREIGN, on record, unless the code is new or was followed at this address last. The audit trail knows."""
    people = desk.people
    at = people.clock.now()

    def check(connection: Connection) -> bool:
        last = next(people.audit.own_entries(connection, source.actor, ("source.add",)), None)
        if last is None or last.facts["base_url"] == source.base_url:
            return True
        facts: dict[str, str | int | bool | None] = {"code": "SOURCE_CODE_FOREIGN", "base_url": source.base_url}
        people.audit.record(connection, at=at, actor=actor, action="source.refuse", subject=source.actor, outcome="refused", facts=facts)
        return False

    if not people.database.write(check):
        raise TrustError(Kind.FORBIDDEN, "SOURCE_CODE_FOREIGN", source=source.code)


def _ensure_key(desk: FollowDesk, source: FollowedSource) -> Signer:
    """A code that was followed before keeps its key, so that it need not be registered again."""
    try:
        return desk.keystore.create(_KEY + source.code, SignatureAlgorithm.ECDSA_SHA256)
    except TrustError as error:
        if error.code != "KEY_EXISTS":
            raise
        return desk.keystore.signer(_KEY + source.code)


def remove_source(desk: FollowDesk, code: str, *, actor: str) -> None:
    """Follow it no longer. The accounts that it brought stay as they are. SOURCE_NOT_FOUND."""
    people = desk.people
    at = people.clock.now()

    def store(connection: Connection) -> None:
        if not delete_source(connection, code):
            raise TrustError(Kind.NOT_FOUND, "SOURCE_NOT_FOUND", source=code[:40])
        people.audit.record(connection, at=at, actor=actor, action="source.remove", subject=f"source:{code}", outcome="done", facts={})

    people.database.write(store)


def hasten_source(desk: FollowDesk, code: str, *, reconcile: bool) -> None:
    """Let its next turn come at once, with a comparison of everything where asked for. SOURCE_NOT_FOUND."""
    at = desk.people.clock.now()
    if not desk.people.database.write(lambda connection: call_source(connection, code, at, reconcile=reconcile)):
        raise TrustError(Kind.NOT_FOUND, "SOURCE_NOT_FOUND", source=code[:40])
