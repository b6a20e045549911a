"""What the identity provider needs of others. ``yinxin/links.py`` fills it."""

from __future__ import annotations

from typing import Final, Protocol

KNOWN_SCOPES: Final = "idp.known_scopes"  # names of the links
SCOPE_TEXTS: Final = "idp.scope_texts"
"""Scope -> what a person is told of it where he consents, (Chinese, English). A scope that is not in it is shown by its name."""


class KnownScopes(Protocol):
    """The scopes that exist anywhere in this deployment, with a sentence on each: nothing else can be granted."""

    def __call__(self) -> dict[str, str]:
        """Scope -> what it allows."""
        ...
