"""Files inside a document by which another service's documents are known: a seal that is put on anybody's document must not make one of those of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal_service.errors import document_files_reserved
from seal_service.ports import RESERVED_FILES
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Collection

    from seal_service.actions.record_use import User
    from seal_service.verify import Examined
    from service_kit.composition import ServiceContext


def refuse_reserved_files(
    context: ServiceContext, user: User, examined: Examined, name: str, *, document_type: str, named_types: Collection[str]
) -> None:
    """Raise DOCUMENT_FILES_RESERVED where the seal stands over files of another service, unless it is that service which has it put there.

    What is looked at is what verifiers find under this very seal, ``name``, whichever they trust of those that were there before. ``document_type``: as the
    user names it; ``named_types``: those that the grant names, none where it has no limit. Operators are bound as well: the document is mostly
    somebody else's.
    """
    reserved = RESERVED_FILES.of(context)
    if reserved is None or user.name == reserved.holder:
        return
    if document_type == reserved.document_type and document_type in named_types:
        return
    own = [each for each in examined.report.signatures if each.name == name]
    try:
        found = None if examined.read_files is None else examined.read_files(own)
    except TrustError:  # refused by every verifier as well: none takes it for another service's
        return
    for file in () if found is None else found[1]:
        if file in reserved.names:
            raise document_files_reserved(file, reserved.document_type)
