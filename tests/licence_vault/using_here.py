"""A vault with a directory of signed-in people, and an office that may do everything with one type: for tests of uses."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault import store
from licence_vault.actions.change_licence_state import change_licence_state
from licence_vault.actions.consent_to_use import Consent, GrantedCode, consent_to_use
from licence_vault.actions.permit_sharing import SharingOrder, permit_sharing
from licence_vault.actions.succeed_licence import NewContent, succeed_licence
from licence_vault.actions.use_desk import UseDesk
from licence_vault.model import step_named
from licence_vault.uses import ShareRight, UseMode
from standards.errors import TrustError
from tests.fakes.sealer import refused
from tests.licence_vault.holders_here import FakeDirectory
from tests.licence_vault.issuing_here import FACE, PERSON, IssuingHere, caller
from tests.licence_vault.type_files import AUTHORITY, type_file
from tests.licence_vault.vault_here import AT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from licence_vault.model import Holder
    from licence_vault.register import LicenceRecord
    from licence_vault.uses import UseAction, UseRecord
    from service_kit.callers import Caller

ME = (PERSON.code_type, PERSON.code)
SHARED = f"{AUTHORITY}993"
ALL_MODES = frozenset({UseMode.CONSENTED, UseMode.BY_DUTY, UseMode.ENTRUSTED})


@dataclass
class UsingHere:
    """``cl_office`` may do everything with licences of the type SHARED."""

    issuing: IssuingHere
    directory: FakeDirectory
    desk: UseDesk

    @classmethod
    @contextmanager
    def made(cls, folder: Path, **settings: object) -> Iterator[UsingHere]:
        with IssuingHere.made(folder, **settings) as made:
            made.publish(type_file(face=FACE, code=SHARED, sharing={"modes": sorted(ALL_MODES), "shown_masked": ["KZ_class"]}))
            directory = FakeDirectory()
            using = cls(made, directory, UseDesk(made.vault.context, made.means.contents, directory))
            using.permit("cl_office")
            yield using

    def permit(self, client: str, **changes: Any) -> None:
        order = SharingOrder(client, SHARED, ALL_MODES, frozenset(ShareRight), "数据共享协议")
        permit_sharing(self.desk.context, caller("cl_admin"), replace(order, **changes), if_revision=None)

    def issue(self, *holders: Holder, **changes: Any) -> LicenceRecord:
        return self.issuing.issue(type_code=SHARED, holders=holders or (PERSON,), **changes)

    def lines(self, record: LicenceRecord) -> list[tuple[UseAction, UseMode | None, str, str]]:
        """(action, mode, client, outcome) of the uses of a licence, oldest first."""
        return [(each.action, each.mode, each.client, each.outcome) for each in self.uses(record)]

    def uses(self, record: LicenceRecord) -> list[UseRecord]:
        with self.desk.context.database.read() as conn:
            subjects = store.list_holder_digests(conn, record.id)
            found = store.list_uses_of_subjects(conn, subjects, before=None, limit=500)
        return [each for each in reversed(found) if each.licence_id == record.id]

    def step(self, record: LicenceRecord, name: str) -> None:
        self.issuing.take_in()
        change_licence_state(self.desk.context, self.issuing.clerk, record.id, step_named(name), reason="x", if_revision=None)

    def give_up_next_version(self, record: LicenceRecord) -> None:
        """What a seal that is not active leaves of replacing a licence: a draft that was given up, and the licence as it was."""
        self.issuing.take_in()
        step = step_named("replace")
        self.issuing.sealer.fail_with = refused()
        try:
            with self.a_second_later(), pytest.raises(TrustError, match=r"^SEAL_NOT_ACTIVE"):
                succeed_licence(self.issuing.means, self.issuing.clerk, record.id, step, NewContent(), reason="x", if_revision=None)
        finally:
            self.issuing.sealer.fail_with = None

    @contextmanager
    def a_second_later(self) -> Iterator[None]:
        """What is issued within is newer than what is issued outside: of one moment neither is."""
        self.issuing.vault.clock.at += timedelta(seconds=1)
        try:
            yield
        finally:
            self.issuing.vault.clock.at -= timedelta(seconds=1)

    def code(self, record: LicenceRecord, person: Caller, client: str = "cl_office", purpose: str = "办理变更登记") -> GrantedCode:
        return consent_to_use(self.desk, person, Consent(record.id, client, purpose))

    def later(self, **how: float) -> UseDesk:
        """The desk at a later time."""
        clock = type(self.issuing.vault.clock)(AT + timedelta(**how))
        return replace(self.desk, context=replace(self.desk.context, clock=clock))
