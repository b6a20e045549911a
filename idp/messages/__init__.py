"""The identity provider's entries in the error catalogue."""

from __future__ import annotations

from typing import Final

from idp.messages import clients, people

TEXTS: Final = (*clients.TEXTS, *people.TEXTS)
