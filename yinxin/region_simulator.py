"""A region to try things with: a collector of licences, which keeps what it is told in memory, and an exchange, which shares the licences of other
regions that lie in a folder. It does wrong whatever its knobs say.

Its interface is our own, small exchange (``yinxin/signed_exchange.py``), because the regions' are not public. It has no legal effect and no
place in production: it listens on loopback only.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from crypto.sm2 import SM2PrivateKey, SM2PublicKey
from crypto.sm3 import hmac_sm3, sm3
from crypto.trust_list import TrustList
from licence_vault.model import read_salted_licence, write_canonical
from licence_vault.verify import DATA_NAME
from seal_service.verify import judge_file
from standards.errors import Kind, TrustError
from standards.rfc7468_pem import write_pem
from standards.rfc7493_i_json import StrictJsonError, read_strict_object
from yinxin.deployment import AUDIT_MAC_KEY, WEBHOOK_KEY, open_deployment
from yinxin.signed_exchange import to_be_signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

LOOPBACK: Final = "127.0.0.1"
BODY_BYTES: Final = 4 * 1024 * 1024
WRONGS: Final = {"drop": "is_dropping", "alter": "is_altering", "forget": "is_forgetting_to_answer"}
_OTHER_PLACE: Final = "http://127.0.0.1:9/elsewhere"


@dataclass
class Knobs:
    """What is done wrong with what comes next; all off: an honest collector.

    ``is_dropping``, ``is_altering``: acknowledged, but not kept, or not as it was; ``is_forgetting_to_answer``: kept, and the answer is lost.
    """

    is_dropping: bool = False
    is_altering: bool = False
    is_forgetting_to_answer: bool = False
    only: int | None = None  # of the reports, in the order in which they come from 1, the one that this is done to; None: all
    refuses_with: str = ""
    status: int = 200
    drip_seconds: float = 0.0  # between the bytes of an answer
    body: bytes | None = None  # signed, but something else
    is_signed_by_another: bool = False
    is_signature_missing: bool = False
    is_body_changed_after_signing: bool = False
    is_about_another: bool = False
    skew_seconds: int = 0
    receipt: str = ""  # instead of a sound one
    is_swapping: bool = False  # another licence in place of the one that is asked for
    lies_about: str = ""  # of the roots over ranges: "halves" that make no root, "contradiction", "size", "ranges", "roots"


@dataclass
class Kept:
    """One report as the collector has it. ``log_index``: its place in the tree of the log; ``number``: in that of the register."""

    kind: str
    log_index: int | None
    digest: str
    record: dict[str, Any]
    receipt: str
    number: int | None = None


@dataclass
class RegionSimulator:
    """The collector. ``key`` signs its answers; ``deployment_spki_der``: whose requests are taken, None for anybody's."""

    key: SM2PrivateKey = field(default_factory=SM2PrivateKey.generate)
    deployment_spki_der: bytes | None = None
    now: Callable[[], float] = time.time
    knobs: Knobs = field(default_factory=Knobs)
    kept: dict[str, Kept] = field(default_factory=dict)
    shared: dict[str, tuple[bytes, tuple[bytes, ...]]] = field(default_factory=dict)  # licence files by number, with status lists
    shares: Path | None = None  # a folder with more of them: *.pdf, *.ofd, and the status lists of all as *.jwt
    requests: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)  # path, id, body
    url: str = ""
    _taken: int = 0  # reports that came
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer to a request."""
        message_id = headers.get("yinxin-id", "")
        if not self._is_signed(message_id, headers, body):
            return 401, {}, b""
        try:
            asked = read_strict_object(body)
        except StrictJsonError:
            return 400, {}, b""
        with self._lock:
            self.requests.append((path, message_id, asked))
            told = self._compare(asked) if "ranges" in asked else self._share(asked) if "identifier" in asked else self._take(asked)
            is_meant = self.knobs.only is None or ("key" in asked and self.knobs.only == self._taken)
        knobs = self.knobs
        if knobs.is_forgetting_to_answer and is_meant:
            return 500, {}, b""
        if knobs.is_about_another:
            told |= {"key": "another", "identifier": "another"}
        content = json.dumps(told).encode() if knobs.body is None else knobs.body
        at = str(int(self.now()) + knobs.skew_seconds)
        key = SM2PrivateKey.generate() if knobs.is_signed_by_another else self.key
        signature = base64.b64encode(key.sign(to_be_signed(message_id, at, content))).decode()
        if knobs.is_body_changed_after_signing:
            content = content.replace(b"receipt", b"Receipt")
        signed = {"yinxin-id": message_id, "yinxin-timestamp": at}
        if not knobs.is_signature_missing:
            signed["yinxin-signature"] = signature
        if 300 <= knobs.status < 400:
            signed["location"] = _OTHER_PLACE
        return knobs.status, signed, content

    def _is_signed(self, message_id: str, headers: dict[str, str], body: bytes) -> bool:
        if self.deployment_spki_der is None:
            return True
        try:
            signature = base64.b64decode(headers.get("yinxin-signature", ""), validate=True)
        except (binascii.Error, ValueError):
            return False
        content = to_be_signed(message_id, headers.get("yinxin-timestamp", ""), body)
        return SM2PublicKey.from_spki(self.deployment_spki_der).verify(signature, content)

    def _take(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Keep a report: the same again gives the same receipt; another content under the same key only where it is to replace it."""
        self._taken += 1
        is_meant = self.knobs.only in {None, self._taken}
        about = {"key": asked["key"], "digest": asked["digest"]}
        before = self.kept.get(asked["key"])
        refusal = self.knobs.refuses_with
        if sm3(write_canonical(asked["record"])).hex() != asked["digest"]:
            refusal = "digest"
        elif before is not None and before.digest != asked["digest"] and not asked["is_replacing"]:
            refusal = "conflict"
        if refusal:
            return about | {"outcome": "refused", "reason": refusal}
        receipt = before.receipt if before is not None else f"SIM-{len(self.kept) + 1:06d}"
        if not (self.knobs.is_dropping and is_meant):
            kept = Kept(asked["kind"], asked.get("log_index"), asked["digest"], asked["record"], receipt, asked.get("number"))
            if self.knobs.is_altering and is_meant:
                kept.record = kept.record | {"altered": "1"}
                kept.digest = sm3(write_canonical(kept.record)).hex()
            self.kept[asked["key"]] = kept
            self._erase(asked.get("erases"), asked["digest"])
        return about | {"outcome": "stored", "receipt": self.knobs.receipt or receipt}

    def _erase(self, keys: str | None, digest: str) -> None:
        """Nothing stays of the events whose keys begin so, but that the erasure stands in their places."""
        for key, each in self.kept.items():
            if keys and key.startswith(keys) and each.kind == "licence":
                each.record, each.digest = {}, digest

    def _share(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A licence of this region, as another one asks for it."""
        about = {"region": asked["region"], "identifier": asked["identifier"]}
        if self.knobs.refuses_with:
            return about | {"outcome": "refused", "reason": self.knobs.refuses_with}
        found = self.shared.get(asked["identifier"]) or self._find_in_folder(asked["identifier"])
        if self.knobs.is_swapping:
            found = next((each for number, each in self.shared.items() if number != asked["identifier"]), None)
        if found is None:
            return about | {"outcome": "none"}
        document, tokens = found
        status = [base64.b64encode(each).decode() for each in tokens]
        return about | {"outcome": "found", "file": base64.b64encode(document).decode(), "status": status}

    def _find_in_folder(self, identifier: str) -> tuple[bytes, tuple[bytes, ...]] | None:
        """As the folder is now: a status list that is put there anew counts from the next question on."""
        if self.shares is None:
            return None
        files = sorted(self.shares.iterdir())
        document = next((data for data in _read(files, ".pdf", ".ofd") if number_of(data) == identifier), None)
        return None if document is None else (document, tuple(_read(files, ".jwt")))

    def _compare(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The roots over the ranges that are asked for, each with those over its halves."""
        size, ranges, lie = asked["size"], asked["ranges"], self.knobs.lies_about
        place_of: Callable[[Kept], int | None] = lambda kept: kept.log_index if asked["tree"] == "log" else kept.number  # noqa: E731 - a key
        places = {
            place: sm3(b"\x00" + key.encode() + b"\x00" + bytes.fromhex(each.digest))
            for key, each in self.kept.items()
            if (place := place_of(each)) is not None and place < size
        }
        roots = []
        for level, index in ranges:
            left, right = (_root_over(places, level - 1, half) for half in (2 * index, 2 * index + 1))
            if lie == "halves":
                left = sm3(left)
            if lie == "contradiction":
                left = sm3(left + len(self.requests).to_bytes(4))
            root = _root_over(places, level, index) if lie == "halves" else sm3(b"\x01" + left + right)
            roots.append([root.hex(), left.hex(), "0" if lie == "roots" else right.hex()])
        told_size = size + 1 if lie == "size" else size
        return {"tree": asked["tree"], "size": told_size, "ranges": [] if lie == "ranges" else ranges, "roots": roots}


def _read(files: Sequence[Path], *endings: str) -> Iterator[bytes]:
    return (path.read_bytes() for path in files if path.suffix.lower() in endings and path.is_file())


def number_of(document: bytes) -> str | None:
    """Which licence a file says it is, whoever sealed it; None where it is none."""
    data = (judge_file(document, TrustList.empty(), datetime.now(UTC)).sealed_files or {}).get(DATA_NAME)
    try:
        return None if data is None else read_salted_licence(data).data.identifier
    except TrustError:
        return None


def _root_over(places: dict[int, bytes], level: int, index: int) -> bytes:
    """The definition, written down: no place is looked for cleverly."""
    if level == 0:
        return places.get(index, sm3(b"\x00"))
    if not any(index << level <= each < (index + 1) << level for each in places):
        below = sm3(b"\x00")
        for _ in range(level):
            below = sm3(b"\x01" + below + below)
        return below
    return sm3(b"\x01" + _root_over(places, level - 1, 2 * index) + _root_over(places, level - 1, 2 * index + 1))


def open_simulator(folder: Path, wrong: Sequence[str] = (), only: int | None = None, shares: Path | None = None) -> RegionSimulator:
    """The simulator of a demonstration; its key is always the same and goes to the files in which the settings look for it, if none is there.

    ``wrong``: names of WRONGS; ``only``: as in Knobs; ``shares``: a folder of licences. Raises TrustError FIELD_UNACCEPTABLE where this is no demonstration, has
    the key of another collector or exchange, or the folder has no licence.
    """
    deployment = open_deployment(folder)
    if not deployment.settings.demo:
        raise TrustError(Kind.UNACCEPTABLE, "FIELD_UNACCEPTABLE", field="--dir", rule="a demonstration")
    if set(wrong) - WRONGS.keys():
        raise TrustError(Kind.UNACCEPTABLE, "FIELD_UNACCEPTABLE", field="--wrong", rule=", ".join(WRONGS))
    scalar = hmac_sm3(deployment.keystore.open_secret(AUDIT_MAC_KEY), b"yinxin simulated region v1")
    key = SM2PrivateKey.from_scalar(bytes([scalar[0] & 0x7F]) + scalar[1:])  # below the order of the curve
    if shares is not None and not (shares.is_dir() and any(number_of(data) for data in _read(sorted(shares.iterdir()), ".pdf", ".ofd"))):
        raise TrustError(Kind.UNACCEPTABLE, "FIELD_UNACCEPTABLE", field="--shares", rule="a folder with licences, PDF or OFD")
    settings = deployment.settings
    published = write_pem("PUBLIC KEY", key.public_key.spki_der)
    for name in (settings.collector.platform_key, *([] if shares is None else [settings.exchange.platform_key])):
        path = folder / name
        if not path.exists():
            path.write_bytes(published)
        elif path.read_bytes() != published:
            raise TrustError(Kind.UNACCEPTABLE, "FIELD_UNACCEPTABLE", field=path.name, rule="the simulator's key, or no file")
    knobs = Knobs(only=only)
    for each in wrong:
        setattr(knobs, WRONGS[each], True)
    return RegionSimulator(key, deployment.keystore.signer(WEBHOOK_KEY).public_spki_der, knobs=knobs, shares=shares)


@contextmanager
def served_simulator(simulator: RegionSimulator, port: int = 0) -> Iterator[RegionSimulator]:
    """Serve a simulator on a port of loopback (0: a free one)."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers["content-length"] or 0), BODY_BYTES))
            status, given, content = simulator.answer(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(status)
            for name, value in given.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            step = 1 if simulator.knobs.drip_seconds else len(content) or 1
            for i in range(0, len(content), step):
                self.wfile.write(content[i : i + step])
                self.wfile.flush()
                if simulator.knobs.drip_seconds:
                    time.sleep(simulator.knobs.drip_seconds)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except (BrokenPipeError, ConnectionResetError):
                return

    server = ThreadingHTTPServer((LOOPBACK, port), Handler)
    server.daemon_threads = True
    simulator.url = f"http://{LOOPBACK}:{server.server_address[1]}/region"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield simulator
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
