"""The two lanes a credential can go: ES256 with SHA-256, which wallets everywhere read, and SM2 with SM3 under private, documented names.

Nothing crosses: a credential's signature, its digests and its holder's key are all of one lane, so that nobody is led from one algorithm
into another by what a token says about itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from crypto.jose import JwsAlgorithm
from crypto.signatures import SignatureAlgorithm
from crypto.sm3 import sm3
from standards.rfc9901_sd_jwt import DIGEST_NAME_DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable


class LaneName(StrEnum):
    """How a lane is called in requests and in the names of credential configurations."""

    ES256 = "es256"
    SM2 = "sm2"


@dataclass(frozen=True, slots=True)
class Lane:
    """``digest_name``: as ``_sd_alg`` says it (RFC 9901 4.1.1; ``sm3`` is private). ``is_gm``: its keys are SM2 keys and no others."""

    name: LaneName
    algorithm: JwsAlgorithm
    signature: SignatureAlgorithm
    digest_name: str
    digest: Callable[[bytes], bytes]
    is_gm: bool


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


LANES: Final = {
    LaneName.ES256: Lane(LaneName.ES256, JwsAlgorithm.ES256, SignatureAlgorithm.ECDSA_SHA256, DIGEST_NAME_DEFAULT, _sha256, is_gm=False),
    LaneName.SM2: Lane(LaneName.SM2, JwsAlgorithm.SM2, SignatureAlgorithm.SM2_SM3, "sm3", sm3, is_gm=True),
}
_BY_ALGORITHM: Final = {str(lane.algorithm): lane for lane in LANES.values()}


def lane_of(algorithm: object) -> Lane | None:
    """The lane of a token whose header says ``alg``; None for every other algorithm, ``none`` among them."""
    return _BY_ALGORITHM.get(algorithm) if isinstance(algorithm, str) else None
