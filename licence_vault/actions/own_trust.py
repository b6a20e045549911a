"""What verifiers must know of this deployment's licences: its log, who signs its status lists, and the lists themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crypto.trust_list import TrustList
from crypto.trusted_logs import StatusIssuer, TrustedLog
from licence_vault.actions.find_status_lists import find_edition
from licence_vault.actions.publish_status_lists import STATUS_PATH
from licence_vault.log.instance import log_trees
from licence_vault.status.register import list_numbers
from licence_vault.status.tokens import ES256_KEY, SM2_KEY
from standards.errors import TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from service_kit.composition import ServiceContext


def own_trust(context: ServiceContext, at: datetime | None = None) -> TrustList:
    """The part of a trust list that speaks of this deployment's licences, with the status lists in force at ``at`` (None: now)."""
    keystore, at_seconds = context.keystore, None if at is None else int(at.timestamp())
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
        logs=tuple(TrustedLog(tree.identity) for tree in log_trees(context.settings, keystore)),
        status_issuers=(
            StatusIssuer(
                f"{context.settings.base_url}{STATUS_PATH}/", tuple(keystore.signer(key).public_spki_der for key in (SM2_KEY, ES256_KEY))
            ),
        ),
        status_tokens=tuple(tokens),
    )
