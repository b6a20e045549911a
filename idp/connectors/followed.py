"""The port to directories that are followed: what each is asked for, whatever it speaks. One that speaks something private gets an adapter here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.model.changes import Entry
    from idp.model.follow import Told


@dataclass(frozen=True, slots=True)
class Item:
    """A subject of which something is told. ``seen``, ``digest``: as in ``Told``, of this item. ``cursor``: where the source is followed on from once
    this is dealt with. ``told``: where the page says it all.
    """

    subject_id: str
    seen: int
    digest: bytes
    cursor: str
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Items in their order. ``cursor``: behind all of them. ``has_more``: there is more already."""

    items: tuple[Item, ...]
    cursor: str
    has_more: bool


@dataclass(frozen=True, slots=True)
class Survey:
    """All of a directory at one moment. ``cursor``: from where to follow what comes later. ``digests``: bucket -> digest as ``bucket_digest`` makes it,
    hexadecimal; None: the source has none, so that all of its entries are compared. ``counts``: "kind status" -> how many, as the source says.
    """

    cursor: str
    digests: Mapping[int, str] | None
    counts: Mapping[str, int]


class FollowedDirectory(Protocol):
    """The other side. Everything it does may raise SOURCE_UNREACHABLE (later again) and SOURCE_ANSWER_INVALID (it does not keep to its protocol)."""

    is_absence_end: bool
    """Whether a subject that the source no longer has has ended: it tells of no end itself."""

    def page(self, cursor: str) -> Page:
        """What comes behind a cursor, empty: from the beginning. SOURCE_CURSOR_REFUSED: reconcile."""
        ...

    def fetch(self, subject_id: str) -> Told:
        """A subject as it is now; ``document`` None: it is gone. SOURCE_FACTS_WRONG where what comes is not of it, or not whole."""
        ...

    def survey(self) -> Survey:
        """The whole at one moment."""
        ...

    def entries(self, bucket: int) -> list[Entry]:
        """The subjects of a bucket of the survey, in the order of their ids."""
        ...


def answer_invalid(what: str) -> TrustError:
    """The source does not keep to its protocol. ``what``: where."""
    return TrustError(Kind.UNAVAILABLE, "SOURCE_ANSWER_INVALID", what=what)


def facts_wrong(what: str) -> TrustError:
    """What the source tells of one subject cannot be believed. ``what``: why."""
    return TrustError(Kind.UNACCEPTABLE, "SOURCE_FACTS_WRONG", field=what)


def cursor_refused() -> TrustError:
    """The source does not know the cursor."""
    return TrustError(Kind.UNAVAILABLE, "SOURCE_CURSOR_REFUSED")
