"""Publish the status lists: each anew when something in it has changed, and in any case well before the last edition expires."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from crypto.report import Verdict
from crypto.sm3 import sm3
from licence_vault.errors import status_list_refused
from licence_vault.key_rings import last_withdrawal_at, signing_key_id
from licence_vault.log.entries import append_leaf
from licence_vault.log.leaf import StatusListLeaf
from licence_vault.status.editions import Edition, changed_since, insert_edition, newest_edition, newest_number, set_tokens
from licence_vault.status.order import ENTRIES
from licence_vault.status.register import BITS, list_numbers, pack_list
from licence_vault.status.tokens import ES256_KEY, KEYS, SM2_KEY, StatusTokens, public_key, sign_tokens
from licence_vault.status.verify import verify_status
from standards.ietf_status_list import StatusListClaims, deflate

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service_kit.composition import ServiceContext

STATUS_PATH: Final = "/licences/status"
VALIDITY_SECONDS: Final = 24 * 3600
RENEWED_AFTER_SECONDS: Final = 12 * 3600  # an operator has half a day to mend what keeps lists from being published
COMMITTED_WITHIN_SECONDS: Final = 3600  # no transaction is open as long as that
TTL_SECONDS: Final = 600  # how long a verifier may go by what it has before it asks again
ACTOR: Final = "service:licence_vault"


def list_uri(context: ServiceContext, list_number: int) -> str:
    """The address of a list, as licences name it; the same in every edition."""
    return f"{context.settings.base_url}{STATUS_PATH}/{list_number}"


def publish_status_lists(context: ServiceContext) -> int:
    """Publish what is due; returns how many editions came to be. An edition whose signing was interrupted is signed first."""
    with context.database.read() as connection:
        numbers = list_numbers(connection)
    return sum(_publish(context, number) for number in numbers)


def _publish(context: ServiceContext, list_number: int) -> int:
    at = context.clock.now()
    with context.database.read() as connection:
        # Editions of a later time were published while a clock was wrong: they are numbered, and otherwise passed over
        number = newest_number(connection, list_number)
        newest = newest_edition(connection, list_number, int(at.timestamp()))
        interrupted = newest if newest is not None and newest.tokens is None and newest.number == number else None
        packed = None if interrupted is not None else _packed_if_due(connection, list_number, newest, at)
    if interrupted is not None:
        edition = interrupted
    elif packed is None:
        return 0
    else:
        # 1. Transaction 1: what will be signed, its leaf in the log, the audit entry
        published = int(at.timestamp())
        leaf = StatusListLeaf(list_number, datetime.fromtimestamp(published, UTC), ENTRIES, BITS, sm3(packed))
        unlogged = Edition(
            list_number=list_number,
            number=number + 1,
            published_seconds=published,
            expires_seconds=published + VALIDITY_SECONDS,
            size=ENTRIES,
            bits=BITS,
            compressed=deflate(packed),
            digest=leaf.digest,
            entry_id="",
            tokens=None,
        )

        def intend(connection: Connection) -> Edition | None:
            if newest_number(connection, list_number) != number:
                return None  # another process was quicker
            made = replace(unlogged, entry_id=append_leaf(connection, leaf))
            insert_edition(connection, made)
            _record(context, connection, made, "intended", at)
            return made

        intended = context.database.write(intend)
        if intended is None:
            return 0
        edition = intended
    # 2. Sign, with no transaction open; our own verifier must accept what was signed
    claims = StatusListClaims(
        list_uri(context, list_number), edition.published_seconds, edition.expires_seconds, TTL_SECONDS, edition.bits, edition.compressed
    )
    es256_key, sm2_key = (signing_key_id(context.database, name, context.clock.now()) for name in (ES256_KEY, SM2_KEY))
    tokens = sign_tokens(context.keystore, claims, es256_key, sm2_key)
    _check(context, edition, tokens, (es256_key, sm2_key))

    # 3. Transaction 2: the tokens, and that it is done; from here on they are served
    def finish(connection: Connection) -> None:
        if set_tokens(connection, edition, tokens):
            _record(context, connection, edition, "done", context.clock.now())

    context.database.write(finish)
    return 1


def _packed_if_due(connection: Connection, list_number: int, newest: Edition | None, at: datetime) -> bytes | None:
    """The list's bytes where a new edition is due: there is none, the last is old or under a key that was withdrawn, or something has changed."""
    if newest is None:
        return pack_list(connection, list_number)
    seconds = int(at.timestamp())
    if seconds <= newest.published_seconds:
        return None  # not two in one second: `iat` tells them apart
    withdrawn_at = last_withdrawal_at(connection, *KEYS)  # what a withdrawn key has signed tells nothing any more
    is_unsigned = withdrawn_at is not None and newest.published_seconds <= withdrawn_at.timestamp()
    is_old = is_unsigned or seconds >= newest.published_seconds + RENEWED_AFTER_SECONDS
    # what was changed before the last edition may have been committed after it: only the bytes tell whether it is in there
    since = (newest.published_seconds - COMMITTED_WITHIN_SECONDS) * 1_000_000
    if not is_old and not changed_since(connection, list_number, since):
        return None
    packed = pack_list(connection, list_number)
    return packed if is_old or sm3(packed) != newest.digest else None


def _check(context: ServiceContext, edition: Edition, tokens: StatusTokens, key_ids: tuple[str, str]) -> None:
    keys = {key.key_id: key for key in (public_key(context.keystore, name) for name in key_ids)}
    at = datetime.fromtimestamp(edition.published_seconds, UTC)
    uri = list_uri(context, edition.list_number)
    for token in (tokens.jwt_es256.encode(), tokens.jwt_sm2.encode(), tokens.cwt_es256, tokens.cwt_sm2):
        if verify_status(token, list_uri=uri, index=0, keys=keys, at=at).verdict is Verdict.INDETERMINATE:
            raise status_list_refused(edition.list_number)


def _record(context: ServiceContext, connection: Connection, edition: Edition, outcome: str, at: datetime) -> None:
    context.audit.record(
        connection,
        at=at,
        actor=ACTOR,
        action="licence.status_list.publish",
        subject=f"status-list:{edition.list_number}",
        outcome=outcome,
        facts={"number": edition.number, "digest": edition.digest.hex()},
    )
