"""Addresses from which an annotated copy is fetched once, within ten minutes: what a system is given in place of the file."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from crypto.sm3 import sm3
from licence_vault import store
from licence_vault.actions.check_sharing import modes_permitted
from licence_vault.actions.find_copies import load_own_copy
from licence_vault.actions.finish_copy import CopyUse, MadeCopy, check_copyable, read_copy, read_note, record_copy_use
from licence_vault.actions.use_desk import UseDesk, demand_system, is_still_empowered, is_still_entrusted, who_came
from licence_vault.copies import CopyState
from licence_vault.copy_errors import download_gone
from licence_vault.errors import sharing_denied
from licence_vault.limits import DOWNLOAD_SECONDS
from licence_vault.store import Download
from licence_vault.uses import ANYBODY, DONE, ShareRight, UseAction, UseMode
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.finish_copy import CopyNote
    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.actions.use_desk import Standing
    from licence_vault.copies import CopyRecord
    from licence_vault.ports import HolderDirectory
    from licence_vault.register import LicenceRecord
    from service_kit.callers import Caller

TOKEN_BYTES = 32
STOLEN = "LICENCE_DOWNLOAD_STOLEN"  # outcomes in the access log, where the caller is told only that the address is of no use
USED = "LICENCE_DOWNLOAD_USED"
OVER = "LICENCE_DOWNLOAD_OVER"
WITHDRAWN = "LICENCE_DOWNLOAD_WITHDRAWN"
_SHARED = frozenset({UseMode.CONSENTED, UseMode.BY_DUTY, UseMode.ENTRUSTED})


@dataclass(frozen=True, slots=True)
class OfferedDownload:
    """An address as it is given out, once: ``token`` is kept nowhere. ``client`` None: whoever has the address may use it."""

    token: str
    client: str | None
    expires_at: datetime

    def __repr__(self) -> str:
        """Without the token."""
        return f"OfferedDownload(client={self.client!r})"


@dataclass(frozen=True, slots=True)
class _Fetch:
    """Somebody with an address. ``note``: of the copy; ``standing``: by whose power it was given, as he is now."""

    copy: CopyRecord
    note: CopyNote
    digest: bytes
    caller: Caller | None
    standing: Standing | None


def offer_own_download(means: IssuingMeans, caller: Caller, licence_id: str, copy_id: str, *, client: str | None) -> OfferedDownload:
    """An address for a copy of a licence of an authority the caller acts for. LICENCE_NOT_FOUND, LICENCE_COPY_NOT_FOUND."""

    def offer(conn: Connection) -> OfferedDownload:
        return offer_download(means, conn, load_own_copy(conn, caller, licence_id, copy_id), client=client, actor=caller.actor)

    return means.context.database.write(offer)


def offer_download(means: IssuingMeans, conn: Connection, copy: CopyRecord, *, client: str | None, actor: str) -> OfferedDownload:
    """A fresh address for a copy that was made, within the transaction of whoever decided on it. ``client``: it alone can use the address."""
    context, at = means.context, means.context.clock.now()
    token = secrets.token_urlsafe(TOKEN_BYTES)
    expires_at = at + timedelta(seconds=DOWNLOAD_SECONDS)
    store.insert_download(conn, sm3(token.encode()), Download(copy.id, client, at, expires_at, None))
    context.audit.record(
        conn,
        at=at,
        actor=actor,
        action="licence.copy-address",
        subject=f"licence:{copy.licence_id}",
        outcome="done",
        facts={"copy": copy.id, "client": client},
    )
    return OfferedDownload(token, client, expires_at)


def take_download(means: IssuingMeans, token: str, caller: Caller | None, *, directory: HolderDirectory | None = None) -> MadeCopy:
    """The copy, once; its licence must still be in force, and so must be what it was given by. LICENCE_DOWNLOAD_GONE, LICENCE_ERASED.

    ``caller`` None: nobody said who he is. ``directory``: as of a ``UseDesk``; without it nothing is given that hangs on somebody's power.
    """
    # 1. The file, as long as there is any sense in reading it.
    digest = sm3(token.encode("utf-8", "replace"))
    with means.context.database.read() as conn:
        download = store.load_download(conn, digest)
        copy = None if download is None else store.load_copy(conn, download.copy_id)
        key_sealed = None if copy is None else store.load_key(conn, copy.licence_id)
    if download is None or copy is None or copy.state is not CopyState.MADE:
        raise download_gone()
    content = read_copy(means, copy)

    # 2. For whom it was made, and what that hangs on: others are asked about it before the transaction.
    if key_sealed is None or copy.note_sealed is None:
        raise download_gone()
    note = read_note(means.contents.open_key(copy.licence_id, key_sealed).open_note(copy.id, copy.note_sealed))
    standing, at = None, means.context.clock.now()
    if note.use.is_by_power and _is_made_for(note.use, caller) and download.used_at is None and at < download.expires_at:
        standing = who_came(UseDesk(means.context, means.contents, directory), note.use.power_client, note.use.power_grant, at)
    fetch = _Fetch(copy, note, digest, caller, standing)

    # 3. Whether it may leave, decided and on record in one transaction; of all who try exactly one comes past.
    if means.context.database.write(lambda conn: _decide(means, conn, fetch)) != DONE:
        raise download_gone()
    return MadeCopy(copy, content)


def _decide(means: IssuingMeans, conn: Connection, fetch: _Fetch) -> str:
    at = means.context.clock.now()
    licence = store.load_licence(conn, fetch.copy.licence_id, is_locked=True)
    download = store.load_download(conn, fetch.digest)
    if licence is None or download is None or store.load_key(conn, fetch.copy.licence_id) is None:
        return OVER
    use = _use_of(fetch.note.use, fetch.caller)
    outcome = _outcome(conn, licence, fetch, download, at)
    action = UseAction.DOWNLOADED if outcome == DONE else UseAction.REFUSED
    record_copy_use(means, conn, licence, use, action, fetch.note.salted.statement.reason, outcome, at)
    return outcome


def _use_of(made_for: CopyUse, caller: Caller | None) -> CopyUse:
    """Who fetches it: by the right for which it was made, and for the officer, where it is he himself for whom it was made; else by none."""
    if _is_made_for(made_for, caller):
        return made_for
    return CopyUse(ANYBODY, ANYBODY) if caller is None else CopyUse(caller.client_id, caller.actor)


def _outcome(conn: Connection, licence: LicenceRecord, fetch: _Fetch, download: Download, at: datetime) -> str:
    caller = fetch.caller
    if download.client is not None and (caller is None or caller.client_id != download.client):
        return STOLEN
    if download.used_at is not None:
        return USED
    if at >= download.expires_at or at > fetch.copy.until:
        return OVER
    refusal = check_copyable(licence, at)
    if refusal is not None:
        return refusal.code
    lost = None if caller is None else _lost_right(conn, licence, fetch, caller, at)
    if lost is not None:
        return lost
    return DONE if store.use_download(conn, fetch.digest, at) else USED


def _lost_right(conn: Connection, licence: LicenceRecord, fetch: _Fetch, caller: Caller, at: datetime) -> str | None:
    """Why a system is given no more what it was given before, None where it still is: all that the copy hangs on is asked for again.

    Of what somebody's power gave before copies told whose, nothing is known to stand.
    """
    use = fetch.note.use
    try:
        demand_system(caller, licence.type_code)
        if use.mode not in _SHARED or not _is_made_for(use, caller):
            return None
        modes, _ = modes_permitted(conn, caller.client_id, licence.type_code, frozenset({ShareRight.DOWNLOAD}))
        if use.mode not in modes:
            raise sharing_denied(licence.type_code)
    except TrustError as refusal:
        if refusal.kind is Kind.UNAVAILABLE:
            raise
        return refusal.code
    is_empowered = not use.is_by_power or is_still_empowered(conn, fetch.standing, licence, at)
    return None if is_empowered and is_still_entrusted(conn, use.entrustment_id, at) else WITHDRAWN


def _is_made_for(use: CopyUse, caller: Caller | None) -> bool:
    """Whether a copy was made for this very caller."""
    return caller is not None and (use.client, use.actor) == (caller.client_id, caller.actor)
