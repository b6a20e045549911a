"""Who acts for an authority looks at what it issued or took over, and whose licence it is sees that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from licence_vault import store
from licence_vault.actions.batch_orders import holder_codes_of
from licence_vault.actions.change_licence_state import change_licence_state
from licence_vault.actions.claim_batch import BatchFile
from licence_vault.actions.enter_issuer import give_membership
from licence_vault.actions.erase_licence import erase_licence
from licence_vault.actions.find_copies import list_copies
from licence_vault.actions.find_licences import LicenceWish, list_licences, read_licence, read_licence_file
from licence_vault.actions.finish_copy import CopyUse
from licence_vault.actions.import_licences import attach_file, find_import, import_licences, list_imports, read_file
from licence_vault.actions.make_copy import CopyOrder, make_copy
from licence_vault.limits import ISSUER_LOOK_SECONDS
from licence_vault.model import Holder, LicenceState, step_named
from licence_vault.row_files import RowForm
from licence_vault.uses import DONE, ISSUER_LOOK, UseAction, UseMode
from standards.errors import Kind, TrustError
from tests.licence_vault.issuing_here import ISSUER, IssuingHere, caller
from tests.licence_vault.type_files import TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from licence_vault.register import LicenceRecord
    from service_kit.callers import Caller

READ, TOOK = (UseAction.ISSUER_READ, "cl_clerk"), (UseAction.DOWNLOADED, "cl_clerk")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuingHere]:
    with IssuingHere.made(tmp_path_factory.mktemp("looks") / "d") as made:
        yield made


def person(number: int) -> Holder:
    """Somebody whom no other test knows."""
    return Holder(f"示例{number}", f"E3000000{number}", "414")


def seen(here: IssuingHere, holder: Holder) -> list[tuple[UseAction, str]]:
    """What its holder sees, the oldest first."""
    with here.vault.context.database.read() as conn:
        subjects = [here.means.contents.find_holder(holder.code_type, holder.code)]
        found = store.list_uses_of_subjects(conn, subjects, before=None, limit=100)
    assert {(each.reason, each.outcome, each.mode) for each in found} <= {(ISSUER_LOOK, DONE, None)}
    return [(each.action, each.client) for each in reversed(found)]


def look(here: IssuingHere, record: LicenceRecord, who: Caller | None = None) -> None:
    view = read_licence(here.vault.context, here.means.contents, who or here.clerk, record.id)
    assert view.record.id == record.id


def test_a_holder_sees_who_looked_for_the_authority_and_within_the_hour_once(here: IssuingHere) -> None:
    holder, other = person(1), person(2)
    record = here.issue(holders=(holder, other))
    assert seen(here, holder) == []
    for _ in range(3):
        look(here, record)
    assert seen(here, holder) == seen(here, other) == [READ]
    for _ in range(2):
        read_licence_file(here.vault.context, here.means.contents, here.clerk, record.id, "pdf")
    assert seen(here, holder) == [READ, TOOK]
    here.vault.clock.advance(ISSUER_LOOK_SECONDS)
    look(here, record)
    assert seen(here, holder) == [READ, TOOK, READ]
    further = here.issue(holders=(holder,))  # another one of his is another line
    look(here, further)
    assert seen(here, holder) == [READ, TOOK, READ, READ]


def test_of_a_licence_that_is_used_all_day_its_newest_lines_are_looked_through(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("licence_vault.store.uses._NEWEST", 2)
    holder, colleagues = person(0), ("cl_first", "cl_second")
    for name in colleagues:
        give_membership(here.vault.context, caller("cl_admin"), ISSUER, name)
    record = here.issue(holders=(holder,))
    look(here, record)
    look(here, record, caller("cl_first"))
    look(here, record)  # the last but one
    assert seen(here, holder) == [READ, (UseAction.ISSUER_READ, "cl_first")]
    look(here, record, caller("cl_second"))
    look(here, record)  # behind two others: once more, rather than read through
    assert [client for _, client in seen(here, holder)] == ["cl_clerk", "cl_first", "cl_second", "cl_clerk"]


def test_each_who_looks_has_a_line_of_his_own_and_who_may_not_has_none(here: IssuingHere) -> None:
    holder = person(3)
    record = here.issue(holders=(holder,))
    look(here, record)
    colleague = caller("cl_colleague")
    give_membership(here.vault.context, caller("cl_admin"), ISSUER, "cl_colleague")
    look(here, record, colleague)
    with pytest.raises(TrustError, match=r"^LICENCE_NOT_FOUND"):
        look(here, record, here.stranger)
    assert seen(here, holder) == [READ, (UseAction.ISSUER_READ, "cl_colleague")]


def test_of_what_is_no_licence_yet_or_was_erased_there_is_nothing_to_see(here: IssuingHere) -> None:
    holder = person(4)
    record = here.issue(holders=(holder,))
    here.take_in()
    ended = change_licence_state(here.vault.context, here.clerk, record.id, step_named("revoke"), reason="依据", if_revision=None)
    here.take_in()
    look(here, erase_licence(here.vault.context, here.clerk, ended.id, reason="依据", if_revision=ended.revision))
    assert seen(here, holder) == []
    here.sealer.fail_with = TrustError(Kind.UNAVAILABLE, "SERVICE_UNAVAILABLE", retry_after_seconds=1)
    with pytest.raises(TrustError):
        here.issue(holders=(person(5),))
    wish = LicenceWish(state=LicenceState.DRAFT)
    [draft] = list_licences(here.vault.context, here.means.contents, here.clerk, wish, after="", limit=2)
    look(here, draft)
    assert seen(here, person(5)) == []
    here.rest()


def test_holders_of_an_imported_licence_see_it_too(here: IssuingHere) -> None:
    first, second = person(6), person(7)
    head = "证照编号,holder_name,holder_code,holder_code_type,holder_name_2,holder_code_2,holder_code_type_2,valid_from,valid_to,KZ_address"
    row = f"看旧一,{first.name},{first.code},414,{second.name},{second.code},414,2020-01-01,2024-12-31,示例路1号"
    import_licences(here.means, here.clerk, BatchFile(TYPE, ISSUER, ("pdf",), RowForm.CSV, f"{head}\n{row}".encode()))
    [imported] = list_imports(here.means, here.clerk, holder=None, number="看旧一", after="", limit=2)
    _, cells = find_import(here.means, here.clerk, imported.id)
    assert sorted(holder_codes_of(cells)) == [("414", first.code), ("414", second.code)]
    attach_file(here.means, here.clerk, imported.id, b"%PDF-1.4 plain")
    for _ in range(2):
        find_import(here.means, here.clerk, imported.id)
        read_file(here.means, here.clerk, imported.id)
    assert seen(here, first) == seen(here, second) == [READ, TOOK]


def test_who_reads_for_whom_and_why_copies_were_made_looked_at_the_licence(here: IssuingHere) -> None:
    record = here.issue(holders=(person(9),))

    def lines() -> list[tuple[UseAction, str, str]]:
        with here.vault.context.database.read() as conn:
            found = store.list_uses_of_subjects(conn, store.list_holder_digests(conn, record.id), before=None, limit=9)
        return [(each.action, each.client, each.reason) for each in reversed(found)]

    assert list_copies(here.means, here.clerk, record.id, before=None, limit=9) == []
    assert lines() == [], "nothing was there to read"
    by_office = CopyUse("cl_office", "client:cl_office", UseMode.CONSENTED)
    made = make_copy(here.means, CopyOrder(record.id, "pdf", "示例银行", "贷款"), by_office)
    copied = (UseAction.COPIED, "cl_office", "贷款")
    for _ in range(2):
        assert [each.record.id for each in list_copies(here.means, here.clerk, record.id, before=None, limit=9)] == [made.record.id]
    assert lines() == [copied, (UseAction.ISSUER_READ, "cl_clerk", ISSUER_LOOK)]
    with pytest.raises(TrustError, match=r"^LICENCE_NOT_FOUND"):
        list_copies(here.means, here.stranger, record.id, before=None, limit=9)
    assert len(lines()) == 2


def test_nothing_is_looked_at_that_cannot_be_recorded(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    record = here.issue(holders=(person(8),))
    make_copy(here.means, CopyOrder(record.id, "pdf", "示例银行", "贷款"), CopyUse("cl_office", "client:cl_office", UseMode.CONSENTED))

    def fail(*_: object, **__: object) -> None:
        raise TrustError(Kind.UNAVAILABLE, "AUDIT_UNAVAILABLE", reason="no space left")

    monkeypatch.setattr("licence_vault.actions.issuer_look.record_use", fail)
    with pytest.raises(TrustError, match=r"^AUDIT_UNAVAILABLE"):
        look(here, record)
    with pytest.raises(TrustError, match=r"^AUDIT_UNAVAILABLE"):
        read_licence_file(here.vault.context, here.means.contents, here.clerk, record.id, "pdf")
    with pytest.raises(TrustError, match=r"^AUDIT_UNAVAILABLE"):
        list_copies(here.means, here.clerk, record.id, before=None, limit=9)
