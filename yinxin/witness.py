"""A witness as a program of its own: its folder, and its HTTP interface (C2SP tlog-witness). It needs no database and no deployment.

witness.json      its name and the logs it watches
master.key        opens keys/ (0600), unless the environment has it
keys/             an Ed25519 and an SM2 key, sealed
state/            the newest checkpoint of each log
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from crypto.checkpoints import LogIdentity, LogVerifierKey
from crypto.cosignatures import Cosigner
from crypto.durable_files import make_folder
from crypto.keystore import Keystore
from crypto.master_key import ENVIRONMENT_VARIABLE, MasterKey
from crypto.signatures import SignatureAlgorithm
from service_kit.clock import SystemClock
from service_kit.durable_files import NO_ROOM, write_durably
from service_kit.log_witness import Witness
from standards import gbt33560_oids as oids
from standards.c2sp_signed_note import TYPE_SM2, check_key_name
from standards.c2sp_tlog_witness import ADD_CHECKPOINT, REQUEST_BYTES, SIZE_MEDIA_TYPE, write_signature_lines, write_size
from standards.errors import Kind, MalformedError, TrustError
from yinxin.deployment import KEYS, PASSPHRASE_VARIABLE, load_master_key, master_key_path
from yinxin.folder_lock import alone_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from starlette.requests import Request

DESCRIPTION: Final = "witness.json"
LOCK_FILE: Final = ".witness.lock"
STATE: Final = "state"
DESCRIPTION_BYTES: Final = 1024 * 1024
DIGESTS: Final = {"sm3": oids.SM3, "sha256": oids.SHA256}
_KEYS: Final = {"witness-ed25519": SignatureAlgorithm.ED25519, "witness-sm2": SignatureAlgorithm.SM2_SM3}
_TEXT: Final = "text/plain; charset=utf-8"
_STATUS: Final = {
    Kind.MALFORMED: 400,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.UNACCEPTABLE: 422,
}
_UNAVAILABLE: Final = 503
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WitnessFolder:
    """A witness, opened."""

    name: str
    logs: tuple[LogIdentity, ...]
    cosigners: tuple[Cosigner, ...]
    witness: Witness


def make_witness(folder: Path, name: str) -> WitnessFolder:
    """Make a witness in an empty folder, or finish making it. TrustError FOLDER_NOT_EMPTY, NOTE_KEY_NAME."""
    check_key_name(name)
    make_folder(folder)
    names = {each.name for each in folder.iterdir()}
    if names and DESCRIPTION not in names and not names <= {KEYS, "master.key", "master.salt"}:
        raise TrustError(Kind.UNACCEPTABLE, "FOLDER_NOT_EMPTY", dir=str(folder))
    if not {ENVIRONMENT_VARIABLE, PASSPHRASE_VARIABLE} & set(os.environ):
        path = master_key_path(folder, os.environ)
        if not path.exists():
            MasterKey.generate().write_file(path, like=folder)
    keystore = Keystore(folder / KEYS, load_master_key(folder))
    present = {key.key_id for key in keystore.list()}
    for key_id, algorithm in _KEYS.items():
        if key_id not in present:
            keystore.create(key_id, algorithm)
    if DESCRIPTION not in names:  # last: what has none is not finished
        _write(folder, name, ())
    return open_witness(folder)


def open_witness(folder: Path) -> WitnessFolder:
    """Open a finished witness. TrustError WITNESS_MISSING, WITNESS_DESCRIPTION_BAD, whatever is wrong with the master key."""
    try:
        with (folder / DESCRIPTION).open("rb") as file:
            described = json.loads(file.read(DESCRIPTION_BYTES))
        name = described["name"]
        logs = tuple(
            LogIdentity(each["origin"], DIGESTS[each["digest"]], tuple(LogVerifierKey.from_text(key) for key in each["keys"]))
            for each in described["logs"]
        )
    except OSError:
        raise TrustError(Kind.UNACCEPTABLE, "WITNESS_MISSING", dir=str(folder)) from None
    except (ValueError, KeyError, TypeError, MalformedError):
        raise TrustError(Kind.UNACCEPTABLE, "WITNESS_DESCRIPTION_BAD", file=DESCRIPTION) from None
    keystore = Keystore(folder / KEYS, load_master_key(folder))
    cosigners = tuple(Cosigner(name, keystore.signer(key_id)) for key_id in _KEYS)
    return WitnessFolder(name, logs, cosigners, Witness(folder / STATE, logs, cosigners, SystemClock()))


def watch_log(folder: Path, keys: Sequence[LogVerifierKey], digest: str | None) -> LogIdentity:
    """Add a log by its keys, whose name is its origin; one that is known gets the new keys. ``digest``: by default as it is of one that is
    known, of another as the first key signs.

    Raises TrustError WITNESS_KEYS_DIFFER where the keys are not all of one origin, WITNESS_CHANGING where another command adds one, and as
    ``open_witness``.
    """
    open_witness(folder)
    names = sorted({key.name for key in keys})
    if len(names) != 1:
        raise TrustError(Kind.UNACCEPTABLE, "WITNESS_KEYS_DIFFER", origins=" ".join(names))
    with alone_in(folder, LOCK_FILE, code="WITNESS_CHANGING"):
        opened = open_witness(folder)  # as it is now that nobody else writes it
        known = next((log.digest_oid for log in opened.logs if log.origin == names[0]), None)
        usual = known or DIGESTS["sm3" if keys[0].signature_type == TYPE_SM2 else "sha256"]
        added = LogIdentity(names[0], DIGESTS[digest] if digest else usual, tuple(keys))
        _write(folder, opened.name, (*(log for log in opened.logs if log.origin != added.origin), added))
    return added


def _write(folder: Path, name: str, logs: Sequence[LogIdentity]) -> None:
    digests = {oid: digest for digest, oid in DIGESTS.items()}
    listed = [{"origin": log.origin, "digest": digests[log.digest_oid], "keys": [key.to_text() for key in log.keys]} for log in logs]
    text = json.dumps({"name": name, "logs": listed}, ensure_ascii=False, indent=2)
    write_durably(folder / DESCRIPTION, text.encode() + b"\n")


def witness_application(witness: Witness) -> Starlette:
    """The HTTP interface: ``POST /add-checkpoint``, and ``GET /checkpoint?origin=`` for everyone who wants to compare."""

    async def add(request: Request) -> Response:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > REQUEST_BYTES:
                return _refusal(TrustError(Kind.TOO_LARGE, "BODY_TOO_LARGE", limit_bytes=REQUEST_BYTES))
        try:
            lines = await anyio.to_thread.run_sync(witness.add_checkpoint, bytes(body))
        except TrustError as error:
            return _refusal(error)
        except OSError as error:
            return _refusal(_unkept(error))
        return Response(write_signature_lines(lines), media_type=_TEXT)

    async def read(request: Request) -> Response:
        try:
            note = await anyio.to_thread.run_sync(witness.latest, request.query_params.get("origin", ""))
        except TrustError as error:
            return _refusal(error)
        except OSError as error:
            return _refusal(_unkept(error))
        return Response(note or b"", 200 if note else 404, media_type=_TEXT, headers={"cache-control": "no-store"})

    async def live(_request: Request) -> Response:
        return Response(b"ok\n", media_type=_TEXT)

    return Starlette(routes=[Route(ADD_CHECKPOINT, add, methods=["POST"]), Route("/checkpoint", read), Route("/livez", live)])


def _unkept(error: OSError) -> TrustError:
    """The state cannot be read or written: told to whoever runs the witness, and to the log, which asks again. Nothing was cosigned."""
    code = "DISK_FULL" if error.errno in NO_ROOM else "FILE_UNWRITABLE"
    _logger.error("state not usable", extra={"facts": {"error": code, "path": str(error.filename), "reason": error.strerror}})
    return TrustError(Kind.UNAVAILABLE, code)


def _refusal(error: TrustError) -> Response:
    """In the form of the protocol: of a conflict over size or root, the size that is known and nothing else. What is the witness's own fault is told to whoever
    runs it.
    """
    if error.code == "WITNESS_STATE_BAD":
        _logger.error("state not usable", extra={"facts": {"error": error.code, **error.facts}})
    if error.code in {"WITNESS_SIZE_OTHER", "WITNESS_FORK"}:
        return Response(write_size(int(error.facts["size"] or 0)), 409, media_type=SIZE_MEDIA_TYPE)
    return Response(error.code + "\n", _STATUS.get(error.kind, _UNAVAILABLE), media_type=_TEXT)
