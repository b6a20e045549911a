"""Webhooks: which endpoints are told nothing any more, because their client may act no more or their address is gone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from service_kit.bounded_calls import Answer
from service_kit.outbox import Outbox
from service_kit.webhooks.deliveries import DELIVERY_TOPIC, EVENT_TOPIC
from service_kit.webhooks.model import DeliveryStatus, EndpointStatus
from service_kit.webhooks.subscriptions import Wanted
from standards.errors import Kind, TrustError
from tests.audit_trail import find_entries
from tests.service_kit.receivers import receiver
from tests.service_kit.test_webhooks import ANNA, BERT, Post

if TYPE_CHECKING:
    from service_kit.database import Database


@pytest.fixture
def post(database: Database) -> Post:
    return Post(database)


def test_a_client_that_may_act_no_more_is_told_nothing_of_what_was_on_its_way_neither(post: Post) -> None:
    gone: set[str] = set()
    desk = replace(post.deliveries, is_told=lambda _, name: name not in gone)
    worker = Outbox(post.database, post.clock, {EVENT_TOPIC: desk.fan_out, DELIVERY_TOPIC: desk.deliver})

    def work() -> None:
        while worker.run_once():
            pass

    with receiver() as listening:
        endpoint, _ = post.desk.create(ANNA, Wanted(f"{listening.url}/anna", ("*",)))
        post.desk.create(BERT, Wanted(f"{listening.url}/bert", ("*",)))
        listening.status = 500
        post.publish()
        work()
        gone.add("cl_anna")
        listening.status = 204
        post.publish(audience=("cl_anna", "cl_bert"))
        post.later(5)
        work()
        [delivery] = post.desk.deliveries(ANNA, endpoint.endpoint_id, before=None, status=None, limit=10)
        assert (delivery.status, delivery.last_error) == (DeliveryStatus.GIVEN_UP, "WEBHOOK_DISABLED")
        assert [each.path.rpartition("/")[2] for each in listening.received] == ["anna", "bert"]


def test_that_an_address_is_gone_is_in_the_audit_trail(post: Post) -> None:
    with receiver() as listening:
        endpoint, _ = post.desk.create(ANNA, Wanted(listening.url, ("*",)))
        listening.status = 410
        post.publish()
        post.work()
    with post.database.read() as connection:
        entry = find_entries(connection, subject=f"webhook:{endpoint.endpoint_id}")[0]
    assert (entry.actor, entry.action, entry.facts["status"]) == ("service:webhooks", "webhook.change", "disabled")


@pytest.mark.parametrize("is_active", [True, False])
def test_what_an_owner_changes_while_the_old_address_answers_that_it_is_gone_stands(
    post: Post, monkeypatch: pytest.MonkeyPatch, is_active: bool
) -> None:
    """He moved: the new address was undone by the answer of the old one, and the entry in the audit trail told of a change that was not there."""
    with receiver() as listening:
        endpoint, _ = post.desk.create(ANNA, Wanted(listening.url, ("*",)))
        call, moved = post.deliveries.outbound.call, Wanted(f"{listening.url}/new", ("thing.made",), "moved", is_active=is_active)

        def change_and_call(*args: Any, **options: Any) -> Answer:
            monkeypatch.undo()
            post.desk.change(ANNA, endpoint.endpoint_id, moved, expected_version=1)
            return call(*args, **options)

        monkeypatch.setattr(post.deliveries.outbound, "call", change_and_call)
        listening.status = 410
        post.publish()
        post.work()
        found = post.desk.find(ANNA, endpoint.endpoint_id)
        assert (found.url, found.types, found.description, found.version) == (moved.url, moved.types, "moved", 2)
        assert (found.status, found.status_reason) == (EndpointStatus.ACTIVE if is_active else EndpointStatus.DISABLED, None)


def test_an_address_that_does_not_answer_holds_up_the_messages_of_nobody_else(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of its messages was waited for, five seconds and again and again: of a few hundred of them others' news came hours late."""
    called: list[str] = []
    away = {"/anna"}

    def call(_method: str, url: str, **_: Any) -> Answer:
        path = urlsplit(url).path
        called.append(path)
        if path in away:
            raise TrustError(Kind.UNAVAILABLE, "OUTBOUND_FAILED", reason="too-slow")
        return Answer(204, {}, b"")

    monkeypatch.setattr(post.deliveries.outbound, "call", call)
    anna, _ = post.desk.create(ANNA, Wanted("http://127.0.0.1:9/anna", ("*",)))
    post.desk.create(BERT, Wanted("http://127.0.0.1:9/bert", ("*",)))
    for _ in range(6):
        post.publish()
    post.publish(audience=("cl_bert",))
    post.work()
    assert called == ["/anna", "/bert"]

    # The one that was tried goes on trying after 1, 2, 4 ... seconds; the others have no attempt on record that was not made
    for seconds in (1.5, 2.5):
        post.later(seconds)
        post.work()
    assert called == ["/anna", "/bert", "/anna", "/anna"]
    deliveries = post.desk.deliveries(ANNA, anna.endpoint_id, before=None, status=None, limit=10)
    assert sorted(each.attempts for each in deliveries) == [0, 0, 0, 0, 0, 3]

    # Once it answers, all of them arrive; another address counts at once
    post.later(5)
    post.work()
    moved = post.desk.change(ANNA, anna.endpoint_id, Wanted("http://127.0.0.1:9/moved", ("*",)), expected_version=1)
    post.later(900)
    post.work()
    found = post.desk.deliveries(ANNA, moved.endpoint_id, before=None, status=None, limit=10)
    assert {each.status for each in found} == {DeliveryStatus.DELIVERED}


def test_what_rests_is_given_up_after_three_days_too(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []

    def call(_method: str, url: str, **_: Any) -> Answer:
        called.append(url)
        raise TrustError(Kind.UNAVAILABLE, "OUTBOUND_FAILED", reason="too-slow")

    monkeypatch.setattr(post.deliveries.outbound, "call", call)
    anna, _ = post.desk.create(ANNA, Wanted("http://127.0.0.1:9/anna", ("*",)))
    for _ in range(3):
        post.publish()
    post.work()
    post.later(3 * 24 * 3600)
    post.work()
    found = post.desk.deliveries(ANNA, anna.endpoint_id, before=None, status=None, limit=10)
    assert [(each.status, each.last_error) for each in found] == [(DeliveryStatus.GIVEN_UP, "OUTBOUND_FAILED")] * 3
    assert len(called) == 4
