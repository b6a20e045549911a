"""What the seal service needs of others. ``yinxin/links.py`` and the composition fill it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from crypto.certificates import Certificate
    from crypto.signer import Signer

SEAL_MAKER: Final = "seal_service.maker"  # name of the link; its value is a MakerIdentity


@dataclass(frozen=True, slots=True)
class MakerIdentity:
    """Who makes seals in this deployment (GB/T 38540: the certificate in SESeal, and the key that signs SES_SealInfo)."""

    certificate: Certificate
    signer: Signer
