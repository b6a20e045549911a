"""A vault of which annotated copies are made, and what became of them: for tests of copies."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault import store
from licence_vault.actions.change_licence_state import change_licence_state
from licence_vault.actions.finish_copy import CopyUse
from licence_vault.actions.make_copy import CopyOrder, make_copy
from licence_vault.actions.sweep_copies import sweep_copies
from licence_vault.limits import COPY_LEASE_SECONDS
from licence_vault.model import step_named
from licence_vault.uses import Officer, UseAction, UseMode
from standards.errors import TrustError
from tests.licence_vault.issuing_here import PERSON, IssuingHere

if TYPE_CHECKING:
    from collections.abc import Iterator

    from licence_vault.actions.finish_copy import MadeCopy
    from licence_vault.copies import CopyRecord
    from licence_vault.register import LicenceRecord
    from licence_vault.uses import UseRecord

OFFICE = CopyUse("cl_office", "client:cl_office", UseMode.BY_DUTY, Officer("李四（示例）", "窗口受理", "登记中心"))
WINDOW = "示例区登记窗口"
REASON = "办理变更登记（样例）"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuingHere]:
    with IssuingHere.made(tmp_path_factory.mktemp("copies") / "d") as made:
        yield made


@pytest.fixture
def here(shared: IssuingHere) -> Iterator[IssuingHere]:
    """The one vault of this module, its sealer well again after each test and nothing left to be swept."""
    yield shared
    shared.sealer.fail_with, shared.sealer.spoil, shared.sealer.before = None, lambda sealed: sealed, lambda key: None
    shared.vault.clock.at += timedelta(seconds=COPY_LEASE_SECONDS + 1)
    sweep_copies(shared.means)


@pytest.fixture
def licence(here: IssuingHere) -> LicenceRecord:
    return here.issue()


def copy(here: IssuingHere, licence: LicenceRecord, *, key: str | None = None, use: CopyUse = OFFICE, **changes: Any) -> MadeCopy:
    order: dict[str, Any] = {"form": "pdf", "made_by": WINDOW, "reason": REASON} | changes
    return make_copy(here.means, CopyOrder(licence.id, **order), use, idempotency_key=key)


def copies(here: IssuingHere, licence: LicenceRecord) -> list[CopyRecord]:
    with here.vault.context.database.read() as conn:
        return store.list_copies(conn, licence.id, before=None, limit=100)


def uses(here: IssuingHere, licence: LicenceRecord) -> list[UseRecord]:
    subjects = [here.means.contents.find_holder(PERSON.code_type, PERSON.code)]
    with here.vault.context.database.read() as conn:
        return [each for each in store.list_uses_of_subjects(conn, subjects, before=None, limit=1000) if each.licence_id == licence.id]


def outcomes(here: IssuingHere, licence: LicenceRecord) -> list[tuple[UseAction, str]]:
    return [(each.action, each.outcome) for each in uses(here, licence)]


def refusal(here: IssuingHere, licence: LicenceRecord, **changes: Any) -> TrustError:
    with pytest.raises(TrustError) as raised:
        copy(here, licence, **changes)
    return raised.value


def take(here: IssuingHere, licence: LicenceRecord, step: str) -> None:
    here.take_in()
    change_licence_state(here.vault.context, here.clerk, licence.id, step_named(step), reason="依据", if_revision=None)
