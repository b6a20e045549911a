"""The code printed on an issued licence, as a scanner reads it from the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import zxingcpp

from crypto.sm2 import SM2PublicKey
from crypto.trusted_logs import StatusIssuer
from licence_vault.actions.find_licences import read_licence_file
from licence_vault.faces.qr import read_qr
from licence_vault.log.leaf import read_leaf
from licence_vault.status.tokens import SM2_KEY, public_key
from tests.fakes.sealer import MARK
from tests.licence_vault.faces.designs import picture_of
from tests.licence_vault.issuing_here import PERSON, IssuingHere

if TYPE_CHECKING:
    from pathlib import Path


def test_the_printed_code_is_signed_and_leads_to_the_list_and_the_log(tmp_path: Path) -> None:
    with IssuingHere.made(tmp_path / "vault") as here:
        record = here.issue(forms=("pdf",))
        content = read_licence_file(here.vault.context, here.means.contents, here.clerk, record.id, "pdf")
        (scanned,) = zxingcpp.read_barcodes(picture_of(content.rpartition(MARK)[0], 200))
        key = public_key(here.vault.context.keystore, SM2_KEY).public_key
        assert isinstance(key, SM2PublicKey)
        claims = read_qr(scanned.text, [StatusIssuer(f"{here.vault.context.settings.base_url}/licences/status/", (key.spki_der,))])
        assert scanned.text.startswith(f"{here.vault.context.settings.base_url}/v#")
        assert (claims.identifier, claims.holders, claims.status_index) == (record.identifier, (PERSON.name,), record.status_index)
        leaf = here.vault.log.receipt_at(claims.log_index).entry
        assert read_leaf(leaf).commitment == claims.commitment  # type: ignore[union-attr]
