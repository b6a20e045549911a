"""A regional seal platform on loopback, as far as filing and states go, with knobs for everything that such a platform may do wrong."""

from __future__ import annotations

import base64
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crypto.sm2 import SM2PrivateKey
from tests.fakes.loopback import QuietHandler, serve_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Knobs:
    """What is done wrong with the next answers; all off: an honest platform."""

    drip_seconds: float = 0.0  # between the bytes of an answer
    status: int = 200
    is_signed_by_another: bool = False
    is_signature_missing: bool = False
    is_body_changed_after_signing: bool = False
    is_swapped: bool = False  # signed, to this request, about another seal
    is_replayed: bool = False  # the first answer ever given, as it was
    same_receipt_for_all: bool = False
    skew_seconds: int = 0
    body: bytes | None = None  # signed, but something else
    has_no_receipt: bool = False


@dataclass
class RegionalPlatform:
    """Keeps what was filed and told. ``key`` signs the answers; ``deployment_key`` is whose requests are taken."""

    url: str = ""
    key: SM2PrivateKey = field(default_factory=SM2PrivateKey.generate)
    knobs: Knobs = field(default_factory=Knobs)
    filed: dict[str, str] = field(default_factory=dict)  # by request id: the receipt
    requests: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)  # path, id, body
    contents: list[tuple[bytes, bytes]] = field(default_factory=list)  # what was signed, and the signature
    first_answer: tuple[dict[str, str], bytes] | None = None

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
        message_id, stamp = headers["yinxin-id"], headers["yinxin-timestamp"]
        self.contents.append((f"{message_id}.{stamp}.".encode() + body, base64.b64decode(headers["yinxin-signature"])))
        told = json.loads(body)
        self.requests.append((path, message_id, told))
        knobs = self.knobs
        answer = {name: told[name] for name in ("code", "seal_digest", "state", "version", "yzbm") if name in told}
        if path.endswith("filings") and not knobs.has_no_receipt:
            number = 1 if knobs.same_receipt_for_all else len(self.filed) + 1
            answer["receipt"] = self.filed.setdefault(message_id, f"NM-2026-{number:04d}")  # filed twice: the same receipt
        if knobs.is_swapped:
            answer["code"] = "99000000000001"
        content = json.dumps(answer).encode() if knobs.body is None else knobs.body
        at = str(int(time.time()) + knobs.skew_seconds)
        key = SM2PrivateKey.generate() if knobs.is_signed_by_another else self.key
        signature = key.sign(f"{message_id}.{at}.".encode() + content)
        if knobs.is_body_changed_after_signing:
            content = content.replace(b"NM-2026", b"NM-2027")
        given = {"yinxin-id": message_id, "yinxin-timestamp": at, "yinxin-signature": base64.b64encode(signature).decode()}
        if knobs.is_signature_missing:
            given["yinxin-signature"] = "no base64!"
        if knobs.is_replayed and self.first_answer is not None:
            return self.first_answer
        self.first_answer = self.first_answer or (given, content)
        return given, content


@contextmanager
def regional_platform() -> Iterator[RegionalPlatform]:
    """A platform on a free port of 127.0.0.1."""
    platform = RegionalPlatform()

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            given, content = platform.answer(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(platform.knobs.status)
            for name, value in given.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            step = 1 if platform.knobs.drip_seconds else len(content) or 1
            for i in range(0, len(content), step):
                self.wfile.write(content[i : i + step])
                self.wfile.flush()
                if platform.knobs.drip_seconds:
                    time.sleep(platform.knobs.drip_seconds)

    with serve_loopback(Handler) as address:
        platform.url = f"{address}/region"
        yield platform
