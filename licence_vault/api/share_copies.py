"""The calls of the share interface that give files: an annotated copy itself, or an address from which the caller fetches it once."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from licence_vault.actions.copy_shared import WantedCopy, copy_shared, offer_shared, offer_shared_of_holder, picture_shared
from licence_vault.actions.finish_issue import MEDIA_TYPES
from licence_vault.api.copy_shapes import write_address
from licence_vault.api.share_envelope import read_identifier, read_text, read_type_code
from licence_vault.errors import share_malformed
from standards.gbt7408_times import CHINA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from licence_vault.actions.copy_shared import SharedCopy
    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.actions.query_shared import ShareCall
    from licence_vault.actions.use_desk import UseDesk

_TIME: Final = "%Y%m%d%H%M%S"  # of GB/T 36903, in the country's time
MAKER: Final = "certificateCopyCreator"
FORM: Final = "fileType"
PNG: Final = "png"
PNG_TYPE: Final = "image/png"


def give_file(means: IssuingMeans, desk: UseDesk, call: ShareCall, data: Mapping[str, Any]) -> dict[str, str]:
    """downloadFile: the copy, or a picture of it, in base64."""
    identifier, until_name = read_identifier(data, "certificateIdentifier"), "certificateCopyExpiringTime"
    if data[FORM] == PNG:
        wanted = _wanted(call, {name: value for name, value in data.items() if name != FORM}, until_name)
        picture = picture_shared(means, desk, call, identifier, wanted)
        return _write(picture.copy, base64.b64encode(picture.png).decode()) | {"contentType": PNG_TYPE}
    copy = copy_shared(means, desk, call, identifier, _wanted(call, data, until_name, further=(PNG,)))
    return _write(copy, base64.b64encode(copy.made.content).decode())


def give_address(means: IssuingMeans, desk: UseDesk, call: ShareCall, data: Mapping[str, Any]) -> dict[str, str]:
    """downloadUrl: an address for one download by the calling system."""
    return _write_address(
        means, offer_shared(means, desk, call, read_identifier(data, "certIdentifier"), _wanted(call, data, "expiryTime"))
    )


def give_addresses(
    means: IssuingMeans, desk: UseDesk, call: ShareCall, data: Mapping[str, Any], holder: tuple[str, str]
) -> list[dict[str, str]]:
    """downloadUrlsByHolderCode: one for each licence in force."""
    number = read_text(data, "certNo") if "certNo" in data else None
    wanted = _wanted(call, data, "expiryTime")
    found = offer_shared_of_holder(means, desk, call, read_type_code(data), holder, number, wanted)
    return [_write_address(means, each) for each in found]


def _wanted(call: ShareCall, data: Mapping[str, Any], until_name: str, further: tuple[str, ...] = ()) -> WantedCopy:
    form = read_text(data, FORM) if FORM in data else "pdf"
    if form not in MEDIA_TYPES:
        raise share_malformed(FORM, ", ".join((*sorted(MEDIA_TYPES), *further)))
    made_by = read_text(data, MAKER) if MAKER in data else call.caller.client_id
    return WantedCopy(form, made_by, _read_time(read_text(data, until_name), until_name) if until_name in data else None)


def _read_time(text: str, name: str) -> datetime:
    if len(text) == len("yyyymmddhhmmss") and text.isascii() and text.isdecimal():
        try:
            return datetime.strptime(text, _TIME).replace(tzinfo=CHINA).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise share_malformed(name, "yyyymmddhhmmss")


def _write(copy: SharedCopy, content: str) -> dict[str, str]:
    record = copy.made.record
    return {
        "contentType": MEDIA_TYPES[record.form],
        "certIdentifier": copy.identifier,
        "content": content,
        "certificateCopyExpiringTime": record.until.astimezone(CHINA).strftime(_TIME),
    }


def _write_address(means: IssuingMeans, copy: SharedCopy) -> dict[str, str]:
    url = "" if copy.address is None else means.context.settings.base_url + write_address(copy.address).url
    return _write(copy, url)
