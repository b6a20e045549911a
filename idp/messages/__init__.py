"""The identity provider's entries in the error catalogue."""

from __future__ import annotations

from typing import Final

from idp.messages import clients, federation, people

TEXTS: Final = (*clients.TEXTS, *federation.TEXTS, *people.TEXTS)
