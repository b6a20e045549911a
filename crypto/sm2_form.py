"""How SM2 is written in a JWS, where parties differ: the bytes of GM/T 0125.2 are not public."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from standards.errors import MalformedError
from standards.gbt32918_sm2 import read_signature

SM2_NAMES: Final = ("SGD_SM3_SM2", "SM2")  # GM/T 0125.1, and what some libraries call it
SM2_SIGNATURES: Final = ("raw", "der")  # r and s side by side, or a SEQUENCE
_COORDINATE: Final = 32


@dataclass(frozen=True, slots=True)
class Sm2Form:
    """How a party writes SM2 in a JWS. ``name``: in ``alg``, ``SGD_SM3_SM2`` or the private ``SM2``. ``is_der``: the signature is a SEQUENCE of r and s in
    DER (GB/T 35276 7.3), not r and s, 32 bytes each. Chosen by registration or setting, never by the token.
    """

    name: Literal["SGD_SM3_SM2", "SM2"] = "SGD_SM3_SM2"
    is_der: bool = False

    def raw(self, signature: bytes) -> bytes | None:
        """A signature in this form as r and s, 32 bytes each; None for what is none in DER."""
        if not self.is_der:
            return signature
        try:
            r, s = read_signature(signature)
        except MalformedError:
            return None
        return r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")


SM2_FORM: Final = Sm2Form()
SM2_FORMS: Final = (SM2_FORM, Sm2Form(is_der=True), Sm2Form("SM2"), Sm2Form("SM2", is_der=True))
