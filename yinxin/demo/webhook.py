"""The demonstration's webhook: an endpoint with real deliveries in its log, one of which was refused.

While the demonstration is made a small receiver listens on loopback; afterwards the endpoint names the address of ``examples/webhook-receiver``,
switched off, for a reader to start and switch on.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Final

from licence_vault.actions.record_event import EVENT_TYPES as LICENCE_EVENTS
from seal_service.actions.publish_news import EVENT_TYPES as SEAL_EVENTS
from service_kit.outbox import Outbox
from service_kit.webhooks.deliveries import DELIVERY_TOPIC, EVENT_TOPIC
from service_kit.webhooks.subscriptions import Wanted
from yinxin.assembly import webhook_desks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service_kit.callers import Caller
    from yinxin.assembly import House

RECEIVER_URL: Final = "http://127.0.0.1:9402/webhook"  # of examples/webhook-receiver
TYPES: Final = ("licence.state-changed", "seal.state-changed")
DESCRIPTION: Final = "演示：先启动 examples/webhook-receiver，再启用 Demonstration: start examples/webhook-receiver, then switch this on"
OUTBOX_LOG: Final = "service_kit.outbox"
BODY_BYTES: Final = 64 * 1024


class _Receiver(HTTPServer):
    """Takes every message but one, however often that comes."""

    refused = ""


class _Handler(BaseHTTPRequestHandler):
    server: _Receiver

    def do_POST(self) -> None:
        """Take a message; the one that came first finds nobody in, also when it comes again because the others took long."""
        self.rfile.read(min(int(self.headers.get("content-length", "0")), BODY_BYTES))
        message = self.headers.get("webhook-id", "")
        self.server.refused = self.server.refused or message
        self.send_response(HTTPStatus.SERVICE_UNAVAILABLE if message == self.server.refused else HTTPStatus.NO_CONTENT)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class names it
        """Say nothing: the delivery log of the endpoint says it."""


@contextmanager
def _receiver() -> Iterator[str]:
    with _Receiver(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/webhook"
        finally:
            server.shutdown()
            thread.join()


def _is_news(_record: logging.LogRecord) -> bool:
    """The one refusal is part of the story, no trouble to tell an operator of."""
    return False


def ensure_webhook(house: House, caller: Caller) -> None:
    """Make the endpoint and deliver what waits for it. One that is there in its final form is left alone."""
    context = house.context
    desk, deliveries = webhook_desks(house, {**SEAL_EVENTS, **LICENCE_EVENTS})
    present = [each for each in desk.list_endpoints(caller) if each.description == DESCRIPTION]
    if present and present[0].url == RECEIVER_URL:
        return
    with _receiver() as url:
        wanted = Wanted(url, TYPES, DESCRIPTION)
        if present:  # the run before was cut off here
            endpoint = desk.change(caller, present[0].endpoint_id, wanted, expected_version=None)
        else:
            endpoint, _ = desk.create(caller, wanted)
        worker = Outbox(context.database, context.clock, {EVENT_TOPIC: deliveries.fan_out, DELIVERY_TOPIC: deliveries.deliver})
        log = logging.getLogger(OUTBOX_LOG)
        log.addFilter(_is_news)
        try:
            while worker.run_once():
                pass
        finally:
            log.removeFilter(_is_news)
    desk.change(caller, endpoint.endpoint_id, Wanted(RECEIVER_URL, TYPES, DESCRIPTION, is_active=False), expected_version=None)
