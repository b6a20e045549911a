"""The data versions and how they are told apart: by structure first, never by the number that a version 1 header states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from standards.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from standards.x690_der import Node

V1: Final = 1  # GM/T 0031-2014: read and verified, never written
V4: Final = 4  # GB/T 38540-2020
V5: Final = 5  # GM/T 0031-2025
WRITTEN: Final = frozenset({V4, V5})
TITLES: Final = {V1: "GM/T 0031-2014", V4: "GB/T 38540-2020", V5: "GM/T 0031-2025"}

MALFORMED: Final = "SES_MALFORMED"  # the one code of this package's readers; its facts say why and where


def malformed(reason: str, where: str, **facts: str | int | None) -> MalformedError:
    """The error for seal data that cannot be read even with tolerance."""
    return MalformedError(MALFORMED, reason=reason, where=where, **facts)


def seal_version(elements: Sequence[Node], header_version: int) -> int:
    """The version of a SESeal with these elements. 4 elements with an odd number are read as version 4; the verifier refuses the number."""
    if len(elements) == 2:
        return V1
    if len(elements) == 4:
        return V5 if header_version == V5 else V4
    if len(elements) == 5 and header_version == V5:
        return V5
    raise malformed("element-count", "SESeal", elements=len(elements), version=header_version)


def is_old_signature(elements: Sequence[Node]) -> bool:
    """Whether a SES_Signature with these elements has the form of version 1."""
    if len(elements) not in {2, 4, 5}:
        raise malformed("element-count", "SES_Signature", elements=len(elements))
    return len(elements) == 2
