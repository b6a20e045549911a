"""What the identity provider needs of others. ``yinxin/assembly.py`` fills it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from service_kit.composition import Link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

KNOWN_SCOPES: Final[Link[KnownScopes]] = Link("idp.known_scopes")
SCOPE_TEXTS: Final[Link[Mapping[str, tuple[str, str]]]] = Link("idp.scope_texts")
"""Scope -> what a person is told of it where he consents, (Chinese, English). A scope that is not in it is shown by its name."""

SUBJECT_HASH: Final[Link[SubjectHash | None]] = Link("idp.subject_hash")
"""A site's own function in place of the usual keyed hash."""


class SubjectHash(Protocol):
    """What case files keep in place of an identity number (主体标识散列): the same person or organisation gives the same text, and the text
    gives nobody the number. The function of the national identity system is not public, so whoever has it plugs it in here.
    """

    @property
    def method(self) -> str:
        """What clients are told it was made by."""
        ...

    def __call__(self, id_type: str, id_number: str, name: str) -> str:
        """The text, of 1 to 128 visible ASCII characters; ``id_type`` as in the claim of that name, ``id_number`` normalised."""
        ...


SCOPE_LIMITS: Final[Link[Mapping[str, ScopeLimit]]] = Link("idp.scope_limits")
"""Client -> what people's tokens of it may carry at most, by who they are (``ScopeLimit``): for the deployment's own pages."""


class ScopeLimit(Protocol):
    """Which scopes of APIs a holder of rights has with a client whose people do not all have the same."""

    def __call__(self, connection: Connection, holder: str, *, human: str, has_two: bool) -> frozenset[str]:
        """``holder``: ``person:`` and the account; of an organisation where somebody acts for one, who is ``human``, else both are the same.
        ``has_two``: whether two factors were shown. Within the caller's transaction.
        """
        ...


class KnownScopes(Protocol):
    """The scopes that exist anywhere in this deployment, with a sentence on each: nothing else can be granted."""

    def __call__(self) -> dict[str, str]:
        """Scope -> what it allows."""
        ...
