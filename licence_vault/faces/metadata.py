"""Metadata of a licence under the keys of GB/T 36903, as OFD files carry them (``OFD.xml``, CustomDatas)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from standards.gbt36903_metadata import EXTENSION_PREFIX, HOLDER_CODE_TYPES, JOINED_BY, write_date

if TYPE_CHECKING:
    from licence_vault.faces.marks import CopyNote
    from licence_vault.model import LicenceData

_MINUTES: Final = "%Y%m%d%H%M%S"


def custom_data(data: LicenceData, note: CopyNote | None = None) -> dict[str, str]:
    """The items by key; several holders are joined by ``^``; face items of the type begin with ``KZ_``."""
    holders = data.holders
    found = {
        "ZZBS": data.identifier,
        "ZZMC": data.name,
        "ZZLXDM": data.type.code,
        "ZZBH": data.number,
        "ZZBFJG": data.issuer.name,
        "ZZBFJGDM": data.issuer.code,
        "ZZBFRQ": write_date(data.issued_on),
        "ZZYXQQSRQ": write_date(data.valid_from),
        "ZZYXQJZRQ": write_date(data.valid_to),
        "CZZT": JOINED_BY.join(holder.name for holder in holders),
        "CZZTDM": JOINED_BY.join(holder.code for holder in holders),
        "CZZTDMLX": JOINED_BY.join(HOLDER_CODE_TYPES[holder.code_type].name_zh for holder in holders),
        "CZZTDMLXDM": JOINED_BY.join(holder.code_type for holder in holders),
    }
    found |= {key if key.startswith(EXTENSION_PREFIX) else EXTENSION_PREFIX + key: text for key, text in data.fields.items()}
    if note is not None:
        found |= {"JZJZZSJ": note.made_at.strftime(_MINUTES), "JZJZZZ": note.made_by, "JZJZZSY": note.reason}
        if note.until is not None:
            found["JZJYXQJZSJ"] = note.until.strftime(_MINUTES)
    return found
