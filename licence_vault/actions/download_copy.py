"""Addresses from which an annotated copy is fetched once, within ten minutes: what a system is given in place of the file."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from crypto.sm3 import sm3
from licence_vault import store
from licence_vault.actions.find_copies import load_own_copy
from licence_vault.actions.finish_copy import CopyUse, MadeCopy, check_copyable, read_copy, read_note, record_copy_use
from licence_vault.copies import CopyState
from licence_vault.copy_errors import download_gone
from licence_vault.limits import DOWNLOAD_SECONDS
from licence_vault.store import Download
from licence_vault.uses import ANYBODY, DONE, UseAction

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.copies import CopyRecord
    from licence_vault.register import LicenceRecord
    from service_kit.callers import Caller

TOKEN_BYTES = 32
STOLEN = "LICENCE_DOWNLOAD_STOLEN"  # outcomes in the access log, where the caller is told only that the address is of no use
USED = "LICENCE_DOWNLOAD_USED"
OVER = "LICENCE_DOWNLOAD_OVER"


@dataclass(frozen=True, slots=True)
class OfferedDownload:
    """An address as it is given out, once: ``token`` is kept nowhere. ``client`` None: whoever has the address may use it."""

    token: str
    client: str | None
    expires_at: datetime

    def __repr__(self) -> str:
        """Without the token."""
        return f"OfferedDownload(client={self.client!r})"


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


def take_download(means: IssuingMeans, token: str, caller: Caller | None) -> MadeCopy:
    """The copy, once; its licence must still be in force. ``caller`` None: nobody said who he is. LICENCE_DOWNLOAD_GONE, LICENCE_ERASED."""
    # 1. The file, as long as there is any sense in reading it.
    digest = sm3(token.encode("utf-8", "replace"))
    with means.context.database.read() as conn:
        download = store.load_download(conn, digest)
        copy = None if download is None else store.load_copy(conn, download.copy_id)
    if download is None or copy is None or copy.state is not CopyState.MADE:
        raise download_gone()
    content = read_copy(means, copy)

    # 2. Whether it may leave, decided and on record in one transaction; of all who try exactly one comes past.
    def decide(conn: Connection) -> str:
        return _decide(means, conn, copy, digest, caller)

    if means.context.database.write(decide) != DONE:
        raise download_gone()
    return MadeCopy(copy, content)


def _decide(means: IssuingMeans, conn: Connection, copy: CopyRecord, digest: bytes, caller: Caller | None) -> str:
    at = means.context.clock.now()
    licence = store.load_licence(conn, copy.licence_id, is_locked=True)
    download = store.load_download(conn, digest)
    key_sealed = store.load_key(conn, copy.licence_id)
    if licence is None or download is None or key_sealed is None or copy.note_sealed is None:
        return OVER
    note = read_note(means.contents.open_key(licence.id, key_sealed).open_note(copy.id, copy.note_sealed))
    use = _use_of(note.use, caller)
    outcome = _outcome(conn, licence, copy, download, digest, caller, at)
    action = UseAction.DOWNLOADED if outcome == DONE else UseAction.REFUSED
    record_copy_use(means, conn, licence, use, action, note.salted.statement.reason, outcome, at)
    return outcome


def _use_of(made_for: CopyUse, caller: Caller | None) -> CopyUse:
    """Who fetches it: by the right for which it was made, and for the officer, where it is he himself for whom it was made; else by none."""
    use = CopyUse(ANYBODY, ANYBODY) if caller is None else CopyUse(caller.client_id, caller.actor)
    return made_for if (use.client, use.actor) == (made_for.client, made_for.actor) else use


def _outcome(
    conn: Connection, licence: LicenceRecord, copy: CopyRecord, download: Download, digest: bytes, caller: Caller | None, at: datetime
) -> str:
    if download.client is not None and (caller is None or caller.client_id != download.client):
        return STOLEN
    if download.used_at is not None:
        return USED
    if at >= download.expires_at or at > copy.until:
        return OVER
    refusal = check_copyable(licence, at)
    if refusal is not None:
        return refusal.code
    return DONE if store.use_download(conn, digest, at) else USED
