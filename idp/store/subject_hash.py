"""What case files keep in place of an identity number: by default a keyed hash of this deployment's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from crypto.sealed_values import ValueSealer

DOMAIN: Final = "idp.subject-hash"


@dataclass(frozen=True, slots=True)
class KeyedSubjectHash:
    """HMAC-SM3, hex, over type, number and name with bars between them, under a key of this deployment: nobody else can compute or try it out."""

    sealer: ValueSealer
    method: str = "hmac-sm3"

    def __call__(self, id_type: str, id_number: str, name: str) -> str:
        """The same for the same three; blanks in the name do not count."""
        return self.sealer.find("|".join((id_type, id_number, "".join(name.split()))).encode(), DOMAIN).hex()
