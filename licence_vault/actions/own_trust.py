"""What verifiers must know of this deployment's licences: its log, who signs its status lists, and the lists themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from crypto.trust_list import TrustList
from crypto.trusted_logs import KeyPeriod, StatusIssuer
from licence_vault.actions.find_status_lists import find_edition
from licence_vault.actions.publish_status_lists import STATUS_PATH, VALIDITY_SECONDS
from licence_vault.key_rings import read_ring
from licence_vault.log.instance import trusted_logs
from licence_vault.status.register import list_numbers
from licence_vault.status.tokens import ES256_KEY, SM2_KEY
from standards.errors import TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from service_kit.composition import ServiceContext


def own_trust(context: ServiceContext, at: datetime | None = None) -> TrustList:
    """The part of a trust list that speaks of this deployment's licences, with the status lists in force at ``at`` (None: now)."""
    at_seconds = None if at is None else int(at.timestamp())
    with context.database.read() as connection:
        numbers = list_numbers(connection)
    tokens: list[bytes] = []
    for number in numbers:
        try:
            edition, _ = find_edition(context, number, at_seconds)
        except TrustError as error:
            if error.code != "STATUS_LIST_NOT_FOUND":
                raise
            continue  # no edition was in force then: what is said of that list's licences is unknown
        if edition.tokens is not None:
            tokens.append(edition.tokens.cwt_sm2)
    return TrustList(
        logs=trusted_logs(context),
        status_issuers=(_status_issuer(context),),
        status_tokens=tuple(tokens),
    )


def _status_issuer(context: ServiceContext) -> StatusIssuer:
    """Every key that signs status lists, has signed them or will; a former one counts as long as the last list under it."""
    with context.database.read() as connection:
        rings = [read_ring(connection, name) for name in (SM2_KEY, ES256_KEY)]
    keys = [each for ring in rings for each in reversed(ring)]
    last = timedelta(seconds=VALIDITY_SECONDS)
    periods = tuple(KeyPeriod(each.from_at, None if each.next_at is None else each.next_at + last, each.withdrawn_at) for each in keys)
    return StatusIssuer(
        f"{context.settings.base_url}{STATUS_PATH}/",
        tuple(context.keystore.signer(each.key_id).public_spki_der for each in keys),
        periods if len(keys) > len(rings) else (),
    )
