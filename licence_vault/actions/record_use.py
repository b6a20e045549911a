"""Record a use of a licence: every reading of content, and every refusal of one, in the transaction in which the answer is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.uses import DONE

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.content_vault import ContentVault
    from licence_vault.register import LicenceRecord
    from licence_vault.uses import Officer, UseAction, UseMode
    from service_kit.composition import ServiceContext


def record_use(
    context: ServiceContext,
    contents: ContentVault,
    conn: Connection,
    *,
    licence: LicenceRecord | None,
    action: UseAction,
    mode: UseMode | None,
    client: str,
    actor: str,
    officer: Officer | None,
    reason: str,
    outcome: str,
    at: datetime,
    type_code: str | None = None,
    subjects: Collection[bytes] = (),
) -> int:
    """The number of the line in the access log; an audit entry stands beside it. AUDIT_UNAVAILABLE: nothing may be given then.

    ``client``: the system that asked (``Caller.client_id``); ``actor``: ``Caller.actor``; ``officer``: for whom a client acts by duty;
    ``outcome``: ``DONE`` or the code of a refusal; ``at``: aware UTC. The holders of ``licence`` find the line. Where no licence was found,
    ``type_code`` and ``subjects`` (``ContentVault.find_holder``) say what was looked for, and the line is found by those.
    """
    # 1. Whom it is about.
    about = set(subjects)
    if licence is not None:
        about |= set(store.list_holder_digests(conn, licence.id))
        type_code = licence.type_code

    # 2. The audit trail: who, what, why; nobody's name.
    audit_id = context.audit.record(
        conn,
        at=at,
        actor=actor,
        action=f"licence-use.{action}",
        subject="licence:-" if licence is None else f"licence:{licence.id}",
        outcome="done" if outcome == DONE else "refused",
        facts={"type": type_code, "mode": mode, "reason": reason, "code": None if outcome == DONE else outcome},
    )

    # 3. The line that the holder sees.
    return store.insert_use(
        conn,
        at=at,
        licence_id=None if licence is None else licence.id,
        type_code=type_code,
        client=client,
        actor=actor,
        officer_sealed=None if officer is None else contents.seal_officer(officer.write()),
        mode=mode,
        action=action,
        reason=reason,
        outcome=outcome,
        audit_id=audit_id,
        subjects=about,
    )
