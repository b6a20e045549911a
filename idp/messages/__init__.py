"""The identity provider's entries in the error catalogue."""

from __future__ import annotations

from typing import Final

from idp.messages import client_proofs, clients, directory, federation, people, protocol

TEXTS: Final = (*client_proofs.TEXTS, *clients.TEXTS, *directory.TEXTS, *federation.TEXTS, *people.TEXTS, *protocol.TEXTS)
