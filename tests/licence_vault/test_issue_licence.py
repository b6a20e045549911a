"""Issuing one licence: numbered, logged, drawn, sealed, checked, released; and everything that can stand in the way."""

from __future__ import annotations

import secrets
import threading
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from crypto.checkpoints import Receipt
from crypto.sm3 import sm3
from licence_vault import store
from licence_vault.actions import issue_licence as issue_module
from licence_vault.actions.find_licences import LicenceWish, find_licence, list_history, list_licences, read_licence_file
from licence_vault.actions.issue_licence import issue_licence
from licence_vault.actions.sweep_issues import sweep_issues
from licence_vault.content_vault import ContentVault
from licence_vault.limits import ISSUING_LEASE_SECONDS
from licence_vault.log.leaf import LicenceLeaf, read_leaf
from licence_vault.model import Holder, LicenceState, read_salted_licence
from licence_vault.ports import OFD, PDF
from standards.errors import Kind, TrustError
from standards.gbt36904_licence_number import NumberVerdict, examine_licence_number
from tests.fakes.sealer import MARK, attachments_in, refused, unavailable
from tests.licence_vault.issuing_here import ISSUER, OTHER_ISSUER, PERSON, IssuingHere, code_of, cut_off, drafts
from tests.licence_vault.type_files import AUTHORITY, TYPE, type_file

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuingHere]:
    with IssuingHere.made(tmp_path_factory.mktemp("issuing") / "d") as made:
        yield made


@pytest.fixture
def here(shared: IssuingHere) -> Iterator[IssuingHere]:
    yield shared
    shared.rest()


def test_every_serial_may_be_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def draw(number: int) -> Any:
        def drawn(most: int) -> int:
            asked.append(most)
            return number

        return drawn

    for number, serial in ((0, "0" * 20), (36**20 - 1, "Z" * 20), (36**19, "0" * 19 + "1")):
        monkeypatch.setattr(secrets, "randbelow", draw(number))
        assert issue_module._random_serial() == serial
    assert asked == [36**20] * 3


@pytest.mark.clause("GB/T 36904-2018 identifier")
@pytest.mark.parametrize(("form", "media_type"), [("pdf", PDF), ("ofd", OFD)])
def test_a_licence_is_whole(here: IssuingHere, form: str, media_type: str) -> None:
    record = here.issue(forms=(form,))
    assert record.state is LicenceState.ISSUED
    number = examine_licence_number(record.identifier)
    assert number.verdict is NumberVerdict.VALID
    assert number.number is not None
    assert (number.number.is_type_authority_sound, number.number.is_issuer_sound, number.number.version) == (True, True, "001")

    # what the file carries: the data, the salt, the leaf that commits to them, its proof in both trees
    content = read_licence_file(here.vault.context, here.means.contents, here.clerk, record.id, form)
    attached = attachments_in(content.rpartition(MARK)[0])
    salted = read_salted_licence(attached["licence.json"])
    assert salted.data.identifier == record.identifier
    assert salted.data.holders == (PERSON,)
    assert salted.data.fields == {"KZ_address": "示例路1号"}
    assert salted.data.status.list.endswith(f"/licences/status/{record.status_list}")
    leaf = read_leaf(attached["licence.leaf"])
    assert isinstance(leaf, LicenceLeaf)
    assert (leaf.event, leaf.commitment, leaf.previous, leaf.status_index) == ("made", salted.commitment(), None, record.status_index)
    for tree in ("sm3", "sha256"):
        receipt = Receipt.from_text(attached["licence.leaf"], attached[f"licence.{tree}.tlog-proof"])
        assert receipt.entry == attached["licence.leaf"]

    # two events in the log; the second binds the file
    history = here.history(record.id)
    assert [(each.event.value, each.from_state, each.to_state) for each in history] == [
        ("made", "", "draft"),
        ("issued", "draft", "issued"),
    ]
    here.take_in()
    index = here.index(history[1].entry_id)
    assert index is not None
    issued = read_leaf(here.vault.log.receipt_at(index).entry)
    assert isinstance(issued, LicenceLeaf)
    assert (issued.file_digest, issued.previous) == (sm3(content), here.index(history[0].entry_id))
    assert here.sealer.orders[-1][:2] == (media_type, "sl_1")
    assert here.trail(record.id) == [
        ("licence.issue", "intended"),
        ("licence.issue", "done"),
        ("licence.read-file", "done"),
        ("licence-use.downloaded", "done"),
    ]


def test_nothing_personal_stands_in_the_clear(here: IssuingHere) -> None:
    record = here.issue(fields={"KZ_address": "绝密巷九十九号"}, holders=(Holder("欧阳示例", "11010519491231002X", "111"),))
    database = here.vault.context.settings.dir
    words = ("绝密巷九十九号", "欧阳示例", "11010519491231002X")
    here.take_in()
    for path in database.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [word for word in words if word.encode() in content], path
    view = find_licence(here.vault.context, here.means.contents, here.clerk, record.id)
    assert view.data is not None
    assert view.data.holders[0].name == "欧阳示例"


def test_licences_are_found_by_holder_number_type_and_state(here: IssuingHere) -> None:
    holder = Holder("李四（示例）", "52150700MJ0000001A", "099")
    record = here.issue(holders=(PERSON, holder))
    view = find_licence(here.vault.context, here.means.contents, here.clerk, record.id)
    assert view.data is not None

    def found(**wish: Any) -> list[str]:
        listed = list_licences(here.vault.context, here.means.contents, here.clerk, LicenceWish(**wish), after="", limit=100)
        return [each.id for each in listed]

    assert found(holder=("099", "52150700MJ0000001A")) == found(number=view.data.number) == [record.id]
    assert found(holder=("999", "52150700MJ0000001A")) == found(holder=("099", "x")) == found(number="x") == []
    assert record.id in found(type_code=TYPE, state=LicenceState.ISSUED, issuer_code=ISSUER)
    assert record.id not in found(state=LicenceState.REVOKED)
    with pytest.raises(TrustError) as raised:
        found(issuer_code=OTHER_ISSUER)
    assert code_of(raised) == "LICENCE_ISSUER_NOT_FOUND"


def test_licences_of_others_do_not_exist(here: IssuingHere) -> None:
    record, context, contents = here.issue(), here.vault.context, here.means.contents
    asked: list[Any] = [
        lambda: find_licence(context, contents, here.stranger, record.id),
        lambda: list_history(context, here.stranger, record.id),
        lambda: read_licence_file(context, contents, here.stranger, record.id, "pdf"),
        lambda: find_licence(context, contents, here.clerk, "lc_000000000000000000000000"),
    ]
    for ask in asked:
        with pytest.raises(TrustError) as raised:
            ask()
        assert (code_of(raised), raised.value.kind) == ("LICENCE_NOT_FOUND", Kind.NOT_FOUND)
    assert record.id not in [each.id for each in list_licences(context, contents, here.stranger, LicenceWish(), after="", limit=100)]
    with pytest.raises(TrustError) as raised:
        issue_licence(here.means, here.stranger, here.order())
    assert code_of(raised) == "LICENCE_ISSUER_NOT_FOUND"
    with pytest.raises(TrustError) as raised:
        read_licence_file(context, contents, here.clerk, record.id, "ofd")
    assert code_of(raised) == "LICENCE_FILE_NOT_FOUND"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"fields": {}}, "LICENCE_CONTENT_UNACCEPTABLE"),
        ({"valid_to": date(2026, 11, 1)}, "LICENCE_CONTENT_UNACCEPTABLE"),
        ({"holders": ()}, "FIELD_UNACCEPTABLE"),
        ({"forms": ()}, "FIELD_UNACCEPTABLE"),
        ({"forms": ("pdf", "pdf")}, "FIELD_UNACCEPTABLE"),
        ({"forms": ("doc",)}, "FIELD_UNACCEPTABLE"),
        ({"area_code": "15070０"}, "FIELD_UNACCEPTABLE"),
        ({"name": "a\u202eb"}, "FIELD_UNACCEPTABLE"),
        ({"number": " x"}, "FIELD_UNACCEPTABLE"),
        ({"type_code": f"{AUTHORITY}991"}, "FIELD_UNACCEPTABLE"),
        ({"type_code": f"{AUTHORITY}555"}, "LICENCE_TYPE_NOT_PUBLISHED"),
        ({"issuer_code": OTHER_ISSUER}, "LICENCE_ISSUER_NOT_FOUND"),
    ],
)
def test_what_may_not_be_issued_is_refused_before_anything_is_written(here: IssuingHere, changes: dict[str, Any], code: str) -> None:
    before = drafts(here)
    with pytest.raises(TrustError) as raised:
        here.issue(**changes)
    assert code_of(raised) == code
    assert drafts(here) == before
    assert not [order for order in here.sealer.orders if code in order[3]]


def test_a_printed_number_is_given_once(here: IssuingHere) -> None:
    type_code = f"{AUTHORITY}991"
    here.issue(type_code=type_code, number="示字第7号")
    with pytest.raises(TrustError) as raised:
        here.issue(type_code=type_code, number="示字第7号")
    assert code_of(raised) == "LICENCE_NUMBER_TAKEN"


def test_sixteen_racers_get_sixteen_numbers(here: IssuingHere) -> None:
    records: list[Any] = []
    start = threading.Barrier(16)

    def race() -> None:
        start.wait()
        records.append(here.issue(area_code="150702"))

    threads = [threading.Thread(target=race) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(records) == 16
    views = [find_licence(here.vault.context, here.means.contents, here.clerk, each.id) for each in records]
    assert len({each.record.identifier for each in views}) == 16
    assert len({(each.record.status_list, each.record.status_index) for each in views}) == 16
    numbers = sorted(int(each.data.number[-7:-1]) for each in views if each.data is not None)
    assert numbers == list(range(numbers[0], numbers[0] + 16))


def test_the_same_request_issues_once(here: IssuingHere) -> None:
    first = here.issue(key="once")
    assert here.issue(key="once").id == first.id
    with pytest.raises(TrustError) as raised:
        here.issue(key="once", area_code="150703")
    assert code_of(raised) == "IDEMPOTENCY_KEY_REUSED"


def test_sixteen_racers_with_one_key_issue_one_licence(here: IssuingHere) -> None:
    ended: list[str] = []
    start = threading.Barrier(16)

    def race() -> None:
        start.wait()
        try:
            ended.append(here.issue(key="race", area_code="150704").id)
        except TrustError as error:
            ended.append(error.code)

    threads = [threading.Thread(target=race) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    issued = {each for each in ended if each.startswith("lc_")}
    assert len(issued) == 1
    assert set(ended) - issued <= {"IDEMPOTENCY_IN_FLIGHT"}
    assert here.issue(key="race", area_code="150704").id in issued


@pytest.mark.parametrize("place", ["intended", "logged", "sealed", "stored"])
def test_whoever_dies_in_between_leaves_what_is_finished_later(here: IssuingHere, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = cut_off(here, monkeypatch, f"dies-{place}", place=place)
    assert sweep_issues(here.means) == {"released": 0, "left": 0}  # its lease is not over: it may still be somebody's work
    here.vault.clock.at += timedelta(seconds=ISSUING_LEASE_SECONDS + 1)
    assert sweep_issues(here.means) == {"released": 1, "left": 0}
    assert find_licence(here.vault.context, here.means.contents, here.clerk, draft).record.state is LicenceState.ISSUED
    assert here.issue(key=f"dies-{place}").id == draft, "the answer to the request that died"
    assert [action for action, _ in here.trail(draft)] == ["licence.issue", "licence.issue"]


def test_a_request_that_died_is_finished_by_the_same_request(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = cut_off(here, monkeypatch, "again")
    here.vault.clock.at += timedelta(seconds=ISSUING_LEASE_SECONDS + 1)
    assert here.issue(key="again").id == draft


def test_what_is_not_there_now_is_tried_again(here: IssuingHere) -> None:
    here.sealer.fail_with = unavailable()
    with pytest.raises(TrustError) as raised:
        here.issue()
    assert code_of(raised) == "TIME_STAMP_UNAVAILABLE"
    [draft] = drafts(here)
    here.vault.clock.at += timedelta(seconds=20)
    assert sweep_issues(here.means) == {"released": 0, "left": 1}
    here.sealer.fail_with = None
    here.vault.clock.at += timedelta(seconds=20)
    assert sweep_issues(here.means) == {"released": 1, "left": 0}
    assert drafts(here) == []
    assert find_licence(here.vault.context, here.means.contents, here.clerk, draft).record.state is LicenceState.ISSUED


def test_what_is_refused_for_good_is_abandoned(here: IssuingHere) -> None:
    here.sealer.fail_with = refused()
    with pytest.raises(TrustError) as raised:
        here.issue(key="refused")
    assert code_of(raised) == "SEAL_NOT_ACTIVE"
    assert drafts(here) == []
    wish = LicenceWish(state=LicenceState.CANCELLED)
    listed = list_licences(here.vault.context, here.means.contents, here.clerk, wish, after="", limit=99)
    [given_up] = [each for each in listed if each.state_reason == "SEAL_NOT_ACTIVE"]
    assert [each.event.value for each in here.history(given_up.id)] == ["made", "cancelled"]
    with here.vault.context.database.read() as conn:
        assert store.list_files(conn, given_up.id) == []
    here.sealer.fail_with = None
    assert here.issue(key="refused").id != given_up.id, "the key is free again"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sealed: sealed[:-1] + b"x",
        lambda sealed: sealed.replace(b"%PDF-1.", b"%PDF-2.", 1),
    ],
)
def test_what_our_own_verifier_does_not_accept_is_not_released(here: IssuingHere, spoil: Any) -> None:
    here.sealer.spoil = spoil
    with pytest.raises(TrustError) as raised:
        here.issue()
    assert code_of(raised) == "LICENCE_SELF_CHECK_FAILED"
    [draft] = drafts(here)
    with here.vault.context.database.read() as conn:
        assert store.list_files(conn, draft) == []


def test_a_sealer_that_gives_another_licence_back_is_found_out(here: IssuingHere) -> None:
    kept: list[bytes] = []

    def swap(sealed: bytes) -> bytes:
        kept.append(sealed)
        return kept[0]

    here.sealer.spoil = swap
    here.issue()
    with pytest.raises(TrustError) as raised:
        here.issue()
    assert (code_of(raised), raised.value.facts["reason"]) == ("LICENCE_SELF_CHECK_FAILED", "what is attached under the seal")


def test_a_licence_whose_row_was_exchanged_is_not_released(here: IssuingHere) -> None:
    here.sealer.fail_with = unavailable()
    for _ in range(2):
        with pytest.raises(TrustError):
            here.issue()
    first, second = drafts(here)
    here.sealer.fail_with = None
    here.vault.context.database.write(
        lambda conn: conn.exec_driver_sql(
            f"UPDATE licence_licences SET data_sealed = (SELECT data_sealed FROM licence_licences WHERE id = '{second}') WHERE id = '{first}'"
        )
    )
    here.vault.clock.at += timedelta(seconds=20)
    assert sweep_issues(here.means) == {"released": 1, "left": 1}
    assert drafts(here) == [first]
    here.vault.context.database.write(
        lambda conn: conn.exec_driver_sql(f"UPDATE licence_licences SET state = 'cancelled' WHERE id = '{first}'")
    )


def test_without_a_sealer_nothing_is_begun(here: IssuingHere) -> None:
    before = drafts(here)
    with pytest.raises(TrustError) as raised:
        issue_licence(replace(here.means, seals=None), here.clerk, here.order())
    assert code_of(raised) == "LICENCE_SEALER_MISSING"
    assert drafts(here) == before


def test_a_type_that_is_published_anew_is_issued_by_from_then_on(here: IssuingHere) -> None:
    code = f"{AUTHORITY}996"
    face = here.order() and type_file()["face"]
    for expected in (1, 2):
        here.publish(type_file(code=code, face=face))
        record = here.issue(type_code=code)
        assert record.type_version == expected


def test_keys_are_not_interchangeable() -> None:
    vault, other = ContentVault(b"a" * 32), ContentVault(b"b" * 32)
    key, sealed = vault.new_key("lc_1")
    data = key.seal_data(b"x")
    assert vault.open_key("lc_1", sealed).open_data(data) == b"x"
    for wrong in (lambda: vault.open_key("lc_2", sealed), lambda: other.open_key("lc_1", sealed), lambda: key.open_file("pdf", data)):
        with pytest.raises(TrustError) as raised:
            wrong()
        assert code_of(raised) == "SEALED_VALUE_DAMAGED"
    assert vault.find_holder("111", "x") != vault.find_holder("001", "x")
    assert vault.find_number("x") != other.find_number("x")
    assert "lc_1" in repr(key)
    assert repr(vault) == "ContentVault()"
