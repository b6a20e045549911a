"""The same promises on PostgreSQL: codes, idempotency, freezing, sweeping, with real concurrency between connections."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from crypto.sm3 import sm3
from seal_service.actions import change_seal_state as change_module
from seal_service.actions.apply_for_import import apply_for_import
from seal_service.actions.change_seal_state import change_seal_state
from seal_service.actions.find_seals import find_seal, list_seals, load_result
from seal_service.actions.grant_seal import grant_seal, withdraw_grant
from seal_service.actions.make_approved_seal import make_approved_seal
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.publish_status import StatusPublisher
from seal_service.actions.read_import import ImportOrder
from seal_service.actions.record_use import User
from seal_service.actions.review_application import review_application
from seal_service.actions.seal_document import seal_document
from seal_service.actions.seal_order import SealOrder
from seal_service.actions.sign_digest import sign_digest
from seal_service.actions.sweep_intents import sweep_intents
from seal_service.model import transition_named
from seal_service.seal_data.status_list import SealStatus
from seal_service.tables import PREFIX, metadata
from service_kit.migrations import differences
from standards.errors import TrustError
from tests.postgres import postgres_url
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, House, caller, open_house
from tests.seal_service.test_applications import MAKER, REVIEWER, STEPS
from tests.seal_service.test_imports import BY_HIM, certify, made_elsewhere
from tests.seal_service.test_publish_status import statuses_in
from yinxin.demo.document import draw_document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from seal_service.model import Seal

REQUEST = SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE)
USER = User("cl_a", "client:cl_a")


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[list[House]]:
    """Two processes' worth of parts on one database."""
    url = postgres_url()
    with ExitStack() as opened:
        yield [opened.enter_context(open_house(tmp_path, database_url=url)) for _ in range(2)]


def test_the_tables_are_what_the_code_works_with(houses: list[House]) -> None:
    assert differences(houses[0].context.database, PREFIX, metadata) == []


def test_codes_are_unique_over_two_processes(houses: list[House]) -> None:
    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(lambda number: make_seal(houses[number % 2].context, caller(), REQUEST).code, range(16)))
    assert sorted(codes) == [f"150700{serial:08d}" for serial in range(1, 17)]


def test_the_life_of_a_seal_and_its_uses(houses: list[House]) -> None:
    one, other = (house.context for house in houses)
    seal = make_seal(one, caller(), REQUEST, idempotency_key="k1")
    assert make_seal(other, caller(), REQUEST, idempotency_key="k1") == seal
    assert find_seal(other, caller(), seal.id) == (seal, ["cl_a"])
    assert list_seals(other, caller(), after="", limit=9) == [seal]
    grant_seal(one, caller(), seal.id, "cl_b")
    withdraw_grant(other, caller(), seal.id, "cl_b")

    order = SealOrder(draw_document(), page=1, x_mm=150, y_mm=60, idempotency_key="k2")
    sealed = seal_document(one, USER, seal.id, order)
    assert seal_document(other, USER, seal.id, order).content == sealed.content
    assert load_result(other, caller(), sealed.use_id)[1] == sealed.content
    signed = asyncio.run(sign_digest(one, USER, seal.id, sm3(b"x"), idempotency_key="k3"))
    assert asyncio.run(sign_digest(other, USER, seal.id, sm3(b"x"), idempotency_key="k3")).value_der == signed.value_der

    change_seal_state(one, caller(), seal.id, transition_named("freeze"), reason="x")
    with pytest.raises(TrustError) as refused:
        asyncio.run(sign_digest(other, USER, seal.id, sm3(b"x")))
    assert refused.value.code == "SEAL_NOT_ACTIVE"
    change_seal_state(other, caller(), seal.id, transition_named("revoke"), reason="x")
    assert sweep_intents(one) == {"voided": 0, "abandoned": 0, "certificates_revoked": 0}


def test_a_seal_from_elsewhere_is_taken_over_once_however_many_do_it(houses: list[House]) -> None:
    """Two applications for one seal that met, and several makers of each: one seal, and a clear answer for the rest."""
    one, other = (house.context for house in houses)
    seal_der = made_elsewhere(houses[0].pki, certify(houses[0].pki), es_id="15070000000001")
    order = ImportOrder(seal_der, "x", managers=("person:manager",))
    other = replace(other, trust=one.trust)

    def apply(number: int) -> str:
        try:
            return apply_for_import((one, other)[number % 2], BY_HIM, order)[0].id
        except TrustError as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        applied = set(pool.map(apply, range(8)))
    [application_id] = applied - {"SEAL_IMPORT_OPEN"}
    review_application(one, REVIEWER, application_id, STEPS["approve"], reason="x")
    with ThreadPoolExecutor(8) as pool:
        kept = {seal.id for seal in pool.map(lambda number: make_approved_seal((one, other)[number % 2], MAKER, application_id), range(8))}
    assert len(kept) == 1
    assert make_seal(other, caller(), REQUEST).code == "15070000000002"  # the number that came from elsewhere is passed over


def test_nothing_is_released_behind_a_freeze(houses: list[House]) -> None:
    seal = make_seal(houses[0].context, caller(), REQUEST)

    def use(number: int) -> bool:
        try:
            asyncio.run(sign_digest(houses[number % 2].context, USER, seal.id, sm3(b"%d" % number)))
        except TrustError as error:
            assert error.code == "SEAL_NOT_ACTIVE"
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(use, number) for number in range(64)]
        while houses[0].rows("SELECT count(*) FROM seal_uses WHERE state = 'done'") == [(0,)]:
            pass
        change_seal_state(houses[1].context, caller(), seal.id, transition_named("freeze"), reason="x")
        released = sum(future.result() for future in running)
    assert 0 < released <= 64
    assert houses[0].rows("SELECT count(*) FROM seal_uses WHERE state = 'done'") == [(released,)]
    assert houses[0].rows("SELECT count(*) FROM seal_uses WHERE state = 'intent'") == [(0,)]
    late = "SELECT count(*) FROM seal_uses u JOIN seal_seals s ON s.id = u.seal_id WHERE u.state = 'done' AND u.finished_at > s.state_at"
    assert houses[0].rows(late) == [(0,)]


def test_orphans_of_another_machine_end_with_their_lease(houses: list[House]) -> None:
    seal = make_seal(houses[0].context, caller(), REQUEST)
    houses[0].sql(
        "INSERT INTO seal_uses (id, seal_id, client_id, kind, state, digest, owner, intent_at, is_timestamped, intent_audit_id) VALUES "
        f"('su_1', '{seal.id}', 'cl_a', 'digest', 'intent', '\\x00', 'elsewhere-1-a', 0, false, 'a')"
    )
    assert sweep_intents(houses[1].context)["voided"] == 1


def test_a_freeze_that_is_recorded_behind_a_later_one_is_in_the_very_next_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = postgres_url()
    with open_house(tmp_path, database_url=url) as house:
        [(name,)] = house.rows("SELECT current_database()")
        house.sql(
            f'ALTER DATABASE "{name}" SET enable_seqscan = off'
        )  # as where there are many rows: neither has read what the other changes
    with open_house(tmp_path, database_url=url) as one, open_house(tmp_path, database_url=url) as two:
        other = replace(two.context, issuer=one.issuer, trust=one.context.trust, links=one.context.links)
        first, second, third = (make_seal(one.context, caller(), REQUEST) for _ in range(3))
        change_seal_state(other, caller(), third.id, transition_named("freeze"), reason="its audit trail is open now")
        publisher = StatusPublisher(other)
        inside, may_go = threading.Event(), threading.Event()
        record = change_module.record_step

        def record_slowly(*given: Any, **more: Any) -> Seal:
            seal = record(*given, **more)
            if seal.id == first.id:
                inside.set()
                may_go.wait(30)
            return seal

        monkeypatch.setattr(change_module, "record_step", record_slowly)
        with ThreadPoolExecutor(1) as pool:
            freezing = pool.submit(change_seal_state, one.context, caller(), first.id, transition_named("freeze"), reason="first")
            assert inside.wait(30)
            change_seal_state(other, caller(), second.id, transition_named("freeze"), reason="second")
            before = statuses_in(one, publisher.current()[2])
            may_go.set()
            freezing.result()
        frozen = {second.code: SealStatus.FROZEN, third.code: SealStatus.FROZEN}
        assert before == {first.code: SealStatus.VALID, **frozen}
        assert statuses_in(one, publisher.current()[2]) == {first.code: SealStatus.FROZEN, **frozen}
