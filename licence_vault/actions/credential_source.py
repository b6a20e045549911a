"""The licences of this vault, as the jobs on credentials see them: what is in force, for whoever acts for its authority."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from licence_vault import store
from licence_vault.actions.credential_desk import CurrentLicence
from licence_vault.actions.record_use import record_use
from licence_vault.credentials.issuance_messages import OfferedType
from licence_vault.model import LicenceState, TypeState, read_salted_licence
from licence_vault.ports import STANDING
from licence_vault.uses import DONE, FOR_WALLET, UseAction
from service_kit.callers import PERSON_PREFIX, Caller, client_in, holder_in
from service_kit.webhooks.deliveries import publish
from service_kit.webhooks.model import AUDIENCE_MAX

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.content_vault import ContentVault
    from licence_vault.register import LicenceRecord
    from service_kit.composition import ServiceContext

CREDENTIAL_ISSUED: Final = "licence.credential-issued"
EVENT_TYPES: Final = {CREDENTIAL_ISSUED: "A holder's wallet fetched a credential of a licence."}
TYPES_SHOWN: Final = 500  # in the issuer's metadata; wallets read it whole


@dataclass(frozen=True, slots=True)
class VaultSource:
    """``LicenceSource`` over the tables of the vault. Whose licence it is sees that it was offered, and each credential that leaves."""

    context: ServiceContext
    contents: ContentVault

    def types(self, connection: Connection) -> list[OfferedType]:
        """The published types, at most TYPES_SHOWN."""
        found = store.list_types(connection, state=TypeState.PUBLISHED, after=("", 0), limit=TYPES_SHOWN)
        return [OfferedType(each.code, each.name) for each in found]

    def find(self, connection: Connection, identifier: str, holder: str) -> CurrentLicence | None:
        """The licence with an identifier, for who acts for its authority."""
        record = store.load_licence_of_identifier(connection, identifier)
        if record is None or not store.is_member(connection, record.issuer_code, holder):
            return None
        return self._current(connection, record)

    def current(self, connection: Connection, licence_id: str) -> CurrentLicence | None:
        """A licence as it stands now."""
        record = store.load_licence(connection, licence_id)
        return None if record is None else self._current(connection, record)

    def may_offer(self, connection: Connection, licence_id: str, actor: str) -> bool:
        """Whether he acts for the authority of a licence still."""
        record = store.load_licence(connection, licence_id)
        return record is not None and store.is_member(connection, record.issuer_code, holder_in(actor))

    def stands(self, actor: str, grant_id: str) -> bool:
        """By whoever signs people in; where that is elsewhere nothing is known of a caller once he was answered."""
        check = STANDING.of(self.context)
        subject = holder_in(actor).removeprefix(PERSON_PREFIX)
        return check is None or check(Caller(client_in(actor), subject, frozenset(), grant_id=grant_id))

    def note_offered(self, connection: Connection, *, licence_id: str, at: datetime, actor: str) -> None:
        """The line that its holders see."""
        self._record(connection, licence_id, UseAction.WALLET_OFFERED, at, actor)

    def note_issued(self, connection: Connection, *, licence_id: str, credential_id: str, lane: str, at: datetime, actor: str) -> None:
        """The line that its holders see, and a message to who acts for the authority."""
        record = self._record(connection, licence_id, UseAction.WALLET_ISSUED, at, actor)
        if record is None:
            return
        members = store.list_members(connection, record.issuer_code)
        data = {"licence": licence_id, "identifier": record.identifier, "credential": credential_id, "lane": lane, "offered_by": actor}
        for first in range(0, len(members), AUDIENCE_MAX):
            audience = members[first : first + AUDIENCE_MAX]
            publish(self.context.outbox, connection, event_type=CREDENTIAL_ISSUED, data=data, audience=audience, at=at)

    def _record(self, connection: Connection, licence_id: str, action: UseAction, at: datetime, actor: str) -> LicenceRecord | None:
        record = store.load_licence(connection, licence_id)
        if record is not None:
            record_use(
                self.context,
                self.contents,
                connection,
                licence=record,
                action=action,
                mode=None,
                client=client_in(actor),
                actor=actor,
                officer=None,
                reason=FOR_WALLET,
                outcome=DONE,
                at=at,
            )
        return record

    def _current(self, connection: Connection, record: LicenceRecord) -> CurrentLicence | None:
        key_sealed = store.load_key(connection, record.id)
        if key_sealed is None or record.data_sealed is None:  # erased
            return None
        data = read_salted_licence(self.contents.open_key(record.id, key_sealed).open_data(record.data_sealed)).data
        return CurrentLicence(record.id, data, record.state is LicenceState.ISSUED, record.state.value)
