"""The identity provider's entries in the error catalogue."""

from __future__ import annotations

from typing import Final

from idp.messages import clients, directory, federation, people, protocol

TEXTS: Final = (*clients.TEXTS, *directory.TEXTS, *federation.TEXTS, *people.TEXTS, *protocol.TEXTS)
