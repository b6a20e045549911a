"""The pages of everyday work, in the order of the menu's entries."""

from __future__ import annotations

from typing import Final

from yinxin.console import audit_pages, batch_pages, use_pages

PAGES: Final = (use_pages.add_pages, batch_pages.add_pages, audit_pages.add_pages)
