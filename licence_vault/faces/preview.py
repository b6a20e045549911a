"""A licence that nobody holds, for looking at a design: every item shows its own key."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final

from licence_vault.faces.design import ColumnPart, TextPart
from licence_vault.model import Holder, Issuer, LicenceData, LicenceTypeReference, StatusReference

if TYPE_CHECKING:
    from licence_vault.faces.design import FaceTemplate

_FIELD: Final = re.compile(r"\{fields\.([A-Za-z0-9_]+)")
_TYPE_CODE: Final = "000000000000000000000"  # of no authority, so that a preview is taken for nothing else
_IDENTIFIER: Final = f"1.2.156.3005.2.{_TYPE_CODE}.000000000000000000.PREVIEW.001.0"
_DAY: Final = date(2026, 1, 1)


def preview_data(template: FaceTemplate) -> LicenceData:
    """What is drawn on a preview of this design. Its identifier is no valid one."""
    texts = [part.text for part in template.parts if isinstance(part, TextPart | ColumnPart)]
    keys = dict.fromkeys(key for text in texts for key in _FIELD.findall(text))
    return LicenceData(
        identifier=_IDENTIFIER,
        type=LicenceTypeReference(_TYPE_CODE, template.name, 1),
        number="样例000000",
        version="001",
        name=template.name,
        issuer=Issuer("样例机关", "000000000000000000"),
        issued_on=_DAY,
        valid_from=_DAY,
        valid_to=None,
        area_code="000000",
        holders=(Holder("样例持证人", "000000000000000000", "001"),),
        fields={key: f"样例 {key}" for key in keys},
        status=StatusReference("https://licences.example/status", 0),
    )
