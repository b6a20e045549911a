"""The pages of everyday work, in the order of the menu's entries."""

from __future__ import annotations

from typing import Final

from yinxin.console import (
    audit_pages,
    authority_pages,
    batch_pages,
    check_pages,
    client_pages,
    federation_pages,
    imported_licence_pages,
    licence_batch_pages,
    licence_pages,
    licence_type_pages,
    sharing_pages,
    system_pages,
    use_pages,
    webhook_pages,
)

PAGES: Final = (
    use_pages.add_pages,
    batch_pages.add_pages,
    licence_pages.add_pages,
    licence_type_pages.add_pages,
    licence_batch_pages.add_pages,
    imported_licence_pages.add_pages,
    authority_pages.add_pages,
    sharing_pages.add_pages,
    check_pages.add_pages,
    audit_pages.add_pages,
    client_pages.add_pages,
    webhook_pages.add_pages,
    system_pages.add_pages,
    federation_pages.add_pages,
)
