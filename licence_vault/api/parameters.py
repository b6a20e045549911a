"""What several routes take: identifiers in the path, headers, and how an ETag is read and written."""

from __future__ import annotations

from typing import Annotated, Final, Protocol

from fastapi import Path, Query

from service_kit.preconditions import write_etag

LOG_INDEX_TEXT: Final = "Where its leaf stands in the public log (`GET /licences/log/entries/{index}`); null in the moment before it does, and served once it is under a checkpoint."
TypeCode = Annotated[str, Path(pattern=r"^[0-9A-Z]{21}$", description="Code of the type (GB/T 36904): 18 + 3 characters.")]
TypeNumber = Annotated[int, Path(ge=1, le=999_999, description="Number of the version.")]
IssuerCode = Annotated[str, Path(pattern=r"^[0-9A-Z]{18}$", description="Credit code of the issuing authority.")]
LicenceId = Annotated[str, Path(pattern=r"^lc_[0-9a-f]{24}$", description="Identifier of the licence.")]

EntrustmentBefore = Annotated[str | None, Query(pattern=r"^en_[0-9a-f]{24}$", description="The `next_before` of the page before.")]


class Revised(Protocol):
    """What is counted up with every change."""

    @property
    def revision(self) -> int:
        """The count."""
        ...


def etag_of(revised: Revised) -> str:
    """The ETag of what is counted up with every change."""
    return write_etag(revised.revision)
