"""What the identity provider needs of others. ``yinxin/links.py`` fills it."""

from __future__ import annotations

from typing import Final, Protocol

KNOWN_SCOPES: Final = "idp.known_scopes"  # name of the link


class KnownScopes(Protocol):
    """The scopes that exist anywhere in this deployment, with a sentence on each: nothing else can be granted."""

    def __call__(self) -> dict[str, str]:
        """Scope -> what it allows."""
        ...
