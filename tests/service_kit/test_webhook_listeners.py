"""Webhooks: whose endpoints are told nothing any more, because their client may act no more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from service_kit.outbox import Outbox
from service_kit.webhooks.deliveries import DELIVERY_TOPIC, EVENT_TOPIC
from service_kit.webhooks.model import DeliveryStatus
from service_kit.webhooks.subscriptions import Wanted
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
