"""Receives webhooks and believes none without its signature (Standard Webhooks 1.0). Python's own library alone: ``python receiver.py``.

WEBHOOK_SECRET is the ``whsec_...`` that the platform showed once when the endpoint was made; WEBHOOK_PORT is 9402 where nothing is said.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_SECONDS = 300  # an older message is somebody's recording
BODY_BYTES = 64 * 1024
_seen: set[str] = set()  # in earnest a table: a message may come twice, with the same id


def is_signed(secret: str, message_id: str, timestamp: str, signatures: str, body: bytes) -> bool:
    """Whether a message comes from who knows the secret, now. While a secret is being replaced there are two signatures: one is enough."""
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    wanted = "v1," + base64.b64encode(mac).decode()
    return any(hmac.compare_digest(wanted.encode(), each.encode()) for each in signatures.split(" "))


class Receiver(BaseHTTPRequestHandler):
    """Answers at once: work is for later, since the platform waits a few seconds only and then comes again."""

    def do_POST(self) -> None:
        """204 for what is taken, 401 for what nobody signed."""
        body = self.rfile.read(min(int(self.headers.get("content-length", "0")), BODY_BYTES))
        message_id, timestamp, signatures = (self.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
        if not is_signed(os.environ["WEBHOOK_SECRET"], message_id, timestamp, signatures, body):
            self._answer(HTTPStatus.UNAUTHORIZED)
            return
        if message_id not in _seen:
            _seen.add(message_id)
            event = json.loads(body)
            print(event["type"], json.dumps(event["data"], ensure_ascii=False), flush=True)
        self._answer(HTTPStatus.NO_CONTENT)

    def _answer(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("WEBHOOK_PORT", "9402"))), Receiver).serve_forever()
