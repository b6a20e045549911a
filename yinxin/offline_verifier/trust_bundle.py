"""The trust bundle: what a verifier without a network must know of this deployment, in one signed file that says how old it is.

Inside is the trust list of ``yinxin trust-list`` with everything published at that moment, the keys of the credential issuer, and the newest
checkpoints of the log. The form is described in docs/reference/trust-bundle.md.
"""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from crypto.trust_list import write_trust_list
from crypto.trust_list_values import time_text
from licence_vault.actions.credential_desk import CredentialKeys
from licence_vault.actions.own_trust import own_trust
from licence_vault.credentials.issuance_messages import ISSUER_PATH, write_gm_keys, write_key_metadata
from licence_vault.key_rings import signing_key_id
from licence_vault.status.tokens import ES256_KEY
from yinxin.deployment import LOG_KEY
from yinxin.offline_verifier.read_bundle import ALGORITHMS, FORMAT, SIGNED_BEFORE, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from crypto.signer import Signer
    from crypto.trust_list import TrustList
    from seal_service.actions.publish_status import StatusPublisher
    from service_kit.composition import ServiceContext

VALIDITY: Final = timedelta(days=7)  # as the lists inside: after that a verifier says nothing of now from it
RENEWED_AFTER: Final = timedelta(hours=1)
LOOKED_AGAIN_AFTER: Final = timedelta(milliseconds=250)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What goes into a bundle. ``issuers``: published metadata of credential issuers, each with ``issuer`` and ``jwks``."""

    trust: TrustList
    issuers: tuple[dict[str, Any], ...] = ()


def write_bundle(knowledge: Knowledge, checkpoints: Iterable[bytes], signers: Iterable[Signer], *, name: str, issued_at: datetime) -> bytes:
    """The bundle of ``knowledge`` as of ``issued_at`` (aware, whole seconds), signed by each of ``signers``."""
    payload = json.dumps(
        {
            "name": name,
            "issued_at": time_text(issued_at),
            "expires_at": time_text(issued_at + VALIDITY),
            "trust_list": json.loads(write_trust_list(knowledge.trust, name=name, issued_at=issued_at)),
            "issuers": list(knowledge.issuers),
            "checkpoints": [each.decode("utf-8") for each in checkpoints],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()
    signatures = [
        {
            "algorithm": signer.algorithm.value,
            "key": _base64(signer.public_spki_der),
            "signature": _base64(signer.sign(SIGNED_BEFORE + payload)),
        }
        for signer in signers
        if signer.algorithm in ALGORITHMS
    ]
    written = {"format": FORMAT, "version": VERSION, "payload": _base64(payload), "signatures": signatures}
    return json.dumps(written, indent=1).encode() + b"\n"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


@dataclass(slots=True)
class TrustBundles:
    """The bundle of one process: kept, and made anew when anything in it changed or it grew old.

    ``publisher``: the status of the seals made here, None where there are none; ``has_licences``: whether licences are kept here.
    """

    context: ServiceContext
    publisher: StatusPublisher | None
    has_licences: bool
    _knowledge: Knowledge | None = None
    _issued_at: datetime | None = None
    _looked_at: datetime | None = None
    _bundle: bytes = b""
    _keys: CredentialKeys | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def current(self, *, must_look: bool = False) -> bytes:
        """The bundle as of now. ``must_look``: somebody knows of a change, so what was looked up a moment ago does not do."""
        with self._lock:
            now = self.context.clock.now()
            if not must_look and self._looked_at is not None and timedelta(0) <= now - self._looked_at < LOOKED_AGAIN_AFTER:
                return self._bundle
            knowledge = self._read()
            is_old = self._issued_at is None or now - self._issued_at >= RENEWED_AFTER
            if is_old or knowledge != self._knowledge:
                self._knowledge, self._issued_at = knowledge, now.replace(microsecond=0)
                self._bundle = self._write(knowledge, self._issued_at)
            self._looked_at = now
            return self._bundle

    def _read(self) -> Knowledge:
        trust = self.context.trust() if self.publisher is None else self.publisher.trust()
        if not self.has_licences:
            return Knowledge(trust)
        if self._keys is None:
            self._keys = CredentialKeys(self.context.keystore)
        base_url, keys = self.context.settings.base_url, tuple(self._keys.by_id().values())
        ordinary = write_key_metadata(base_url, keys)
        national = {"issuer": base_url + ISSUER_PATH, "jwks": write_gm_keys(keys)}
        return Knowledge(trust.joined_with(own_trust(self.context)), ({"issuer": ordinary["issuer"], "jwks": ordinary["jwks"]}, national))

    def _write(self, knowledge: Knowledge, issued_at: datetime) -> bytes:
        keystore = self.context.keystore
        key_ids = [LOG_KEY]
        if self.has_licences:
            key_ids.append(signing_key_id(self.context.database, ES256_KEY, issued_at))
        checkpoints = self.context.log.head().checkpoints.values()
        signers = [keystore.signer(each) for each in key_ids]
        return write_bundle(knowledge, checkpoints, signers, name=self.context.settings.base_url, issued_at=issued_at)
