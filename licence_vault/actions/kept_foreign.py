"""What is kept of a licence of another region: sealed under a key of its own, with what it says beside the file, and found by whom it is about."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from licence_vault.foreign import KeptLicence, new_kept_id
from licence_vault.ports import ForeignAnswer
from licence_vault.reporting.limits import FOREIGN_KEPT_SECONDS

if TYPE_CHECKING:
    from datetime import datetime

    from licence_vault.content_vault import ContentVault
    from licence_vault.model import LicenceData
    from licence_vault.ports import ForeignQuery

_FORM: Final = "foreign"


@dataclass(frozen=True, slots=True)
class KeptContent:
    """``answer``: what that region gave; ``data``: what its licence says, as JSON, unverified."""

    answer: ForeignAnswer
    data: dict[str, Any]


def seal_kept(
    contents: ContentVault, wanted: ForeignQuery, answer: ForeignAnswer, licence: LicenceData, *, asked_by: str, fetched_at: datetime
) -> KeptLicence:
    """As it is kept for whoever asked. ``fetched_at``: aware UTC."""
    kept_id = new_kept_id()
    key, key_sealed = contents.new_key(kept_id)
    file, *tokens = (base64.b64encode(each).decode() for each in (answer.document, *answer.status_tokens))
    content = json.dumps({"data": licence.as_json(), "file": file, "status": tokens}, ensure_ascii=False)
    sealed = key.seal_file(_FORM, content.encode())
    return KeptLicence(kept_id, wanted.region, wanted.identifier, asked_by, key_sealed, sealed, fetched_at)


def open_kept(contents: ContentVault, kept: KeptLicence) -> KeptContent:
    """TrustError SEALED_VALUE_DAMAGED."""
    value = json.loads(contents.open_key(kept.id, kept.key_sealed).open_file(_FORM, kept.content_sealed))
    tokens = tuple(base64.b64decode(each) for each in value["status"])
    return KeptContent(ForeignAnswer(base64.b64decode(value["file"]), tokens), value["data"])


def kept_since(at: datetime) -> datetime:
    """What was fetched before is kept no longer at ``at`` (aware UTC), whether or not the sweeper has come by."""
    return at - timedelta(seconds=FOREIGN_KEPT_SECONDS)


def holders_of(contents: ContentVault, licence: LicenceData) -> frozenset[bytes]:
    """What each of its holders is found by."""
    return frozenset(contents.find_holder(each.code_type, each.code) for each in licence.holders)
