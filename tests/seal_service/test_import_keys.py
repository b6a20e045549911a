"""The keys of seals that came from elsewhere: theirs is never taken from those that stand, and none is said to be gone that is not."""

from __future__ import annotations

import pytest

from seal_service import store
from seal_service.actions.apply_for_import import apply_for_import, end_import
from seal_service.actions.find_seals import list_editions
from seal_service.actions.sweep_intents import sweep_intents
from seal_service.jobs import readiness_of
from seal_service.model import Application, ApplicationState, KeyCustody, SealImport
from tests.seal_service.house import House, answer_lost
from tests.seal_service.test_applications import MANAGER, code_of, take
from tests.seal_service.test_imports import BY_HIM, OneDevice, keys, order_of, taken_over


def test_an_application_whose_commit_is_answered_with_a_lost_connection_keeps_its_key(house: House) -> None:
    order = order_of(house)
    with answer_lost(house, Application):
        apply_for_import(house.context, BY_HIM, order, idempotency_key="k")
    application, taken_in = apply_for_import(house.context, BY_HIM, order, idempotency_key="k")
    assert (application.state, keys(house)) == (ApplicationState.APPLIED, {taken_in.key_id})


def test_a_slow_application_and_a_sweeper_agree_on_whose_the_key_is(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    context, put = house.context, house.context.blobs.put

    def put_slowly(data: bytes) -> str:
        if is_swept_now:
            house.sql("UPDATE seal_imports SET begun_at = 1")
            sweep_intents(context)
        else:
            with context.database.read() as conn:
                seen.extend(store.list_imports_without_application(conn, limit=9))
        return put(data)

    monkeypatch.setattr(context.blobs, "put", put_slowly)
    seen: list[SealImport] = []
    for is_swept_now in (True, False):
        if is_swept_now:  # the sweeper was first: the application is refused, and no key is left
            assert code_of(apply_for_import, context, BY_HIM, order_of(house)) == "SEAL_IMPORT_CUT_OFF"
            assert (keys(house), house.rows("SELECT * FROM seal_imports")) == (set(), [])
        else:  # the application was first: the sweeper, who read his list before, touches nothing
            _, taken_in = apply_for_import(context, BY_HIM, order_of(house))
            assert [end_import(context, begun) for begun in seen] == [False]
            assert keys(house) == {taken_in.key_id}


@pytest.mark.parametrize("is_described", [True, False])
def test_a_key_in_a_device_is_never_said_to_be_destroyed(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_described: bool
) -> None:
    context = house.context
    monkeypatch.setattr(context.keystore, "_devices", OneDevice())
    seal = taken_over(house, order_of(house, key=None, custody=KeyCustody.DEVICE, device_key="hsm-seal"))
    if not is_described:  # whoever took its description away has not destroyed it by that
        monkeypatch.setattr(context.keystore, "_devices", None)
    house.sql("UPDATE seal_seals SET state = 'cancelled'")
    take(house, MANAGER, seal, "destroy")
    sweep_intents(context)
    assert house.rows("SELECT state, is_key_destroyed, key_left_with FROM seal_seals") == [("destroyed", 0, "device")]
    assert [(each.is_key_destroyed, each.key_left_with) for each in list_editions(context, MANAGER, seal.id)] == [(False, "device")]
    assert [facts for action, _, facts in house.entries() if action == "seal.key-left"] == [
        {"edition": 1, "key_id": "hsm-seal", "with": "device"}
    ]
    assert caplog.text.count("key to be destroyed in its device") == 1
    assert readiness_of(context)[1].run() == {"to_destroy_in_devices": int(is_described)}
