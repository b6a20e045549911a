"""What a version of a licence type says, in the chapters that the standards of the types (C0xxx) have."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from licence_vault.model import STATUS_CODES, LicenceState, StatusCodes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from licence_vault.uses import UseMode
    from standards.gbt36902_catalogue import AuthorityLevel, HolderCategory, ValidityRange

FORMAT: Final = 1  # of the file


class Block(StrEnum):
    """The four blocks of information items."""

    BASIC = "basic"
    HOLDER = "holder"
    PERMISSION = "permission"
    MANAGEMENT = "management"


class ItemKind(StrEnum):
    """What an information item takes."""

    TEXT = "text"  # one line
    LINES = "lines"  # several lines
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"  # YYYY-MM-DD
    CHOICE = "choice"
    CREDIT_CODE = "credit_code"
    RESIDENT_ID = "resident_id"
    AREA_CODE = "area_code"
    MASK = "mask"  # 9: a digit, A: a capital letter, X: either; everything else stands for itself


@dataclass(frozen=True, slots=True)
class InformationItem:
    """One item of the face. ``characters_max``: of what is entered; ``least`` and ``most``: of numbers; ``is_personal``: of a person."""

    key: str
    block: Block
    name: str
    kind: ItemKind
    is_required: bool = False
    is_personal: bool = False
    name_mongolian: str = ""
    characters_max: int = 200
    choices: tuple[str, ...] = ()
    mask: str = ""
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class RelatedItem:
    """A matter (事项) that the licence belongs to."""

    name: str
    code: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The catalogue items of GB/T 36902. ``catalogue_class``: 1 证照, 2 批文, 3 证明, 4 材料, 5 证件."""

    authority_name: str
    authority_code: str
    authority_level: AuthorityLevel
    issuing_level: AuthorityLevel
    catalogue_class: str
    holder_category: HolderCategory
    validity_ranges: tuple[ValidityRange, ...]
    related_items: tuple[RelatedItem, ...] = ()


@dataclass(frozen=True, slots=True)
class SealingRule:
    """Which seal and where: the seal of the issuing authority, its centre on the page (from 1), in millimetres from the upper left."""

    page: int
    x_mm: float
    y_mm: float


@dataclass(frozen=True, slots=True)
class SharingRule:
    """Who else may use it: the modes, and the keys of the items that a masked view shows."""

    modes: frozenset[UseMode]
    shown_masked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TypeDefinition:
    """One version of a type. ``code``: 21 characters; ``standard``: its own, such as C0135-2019, empty where there is none.

    ``numbering``: how printed numbers are made, empty where the issuing authority brings its own. ``face``: the template, a JSON value that
    the engine of faces reads. ``status_codes``: what its states are called elsewhere, where that is not as usual. ``whole``: the file.
    """

    code: str
    name: str
    name_mongolian: str
    standard: str
    catalogue: Catalogue
    items: tuple[InformationItem, ...]
    numbering: str
    face: Any
    sealing: SealingRule
    sharing: SharingRule
    status_codes: Mapping[LicenceState, StatusCodes] = field(default_factory=dict)
    whole: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def codes_of(self, state: LicenceState) -> StatusCodes:
        """What a state is called elsewhere."""
        return self.status_codes.get(state, STATUS_CODES[state])
