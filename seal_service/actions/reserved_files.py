"""Files inside a document by which another service's documents are known: a seal that is put on anybody's document must not make one of those of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal_service.errors import document_files_reserved
from seal_service.ports import RESERVED_FILES
from seal_service.verify import judge_examined

if TYPE_CHECKING:
    from collections.abc import Collection

    from seal_service.actions.record_use import User
    from seal_service.verify import Examined
    from service_kit.composition import ServiceContext


def refuse_reserved_files(
    context: ServiceContext, user: User, examined: Examined, *, document_type: str, named_types: Collection[str]
) -> None:
    """Raise DOCUMENT_FILES_RESERVED where the seal stands over files of another service, unless it is that service which has it put there.

    What is looked at is what verifiers will find, read from the sealed document itself. ``document_type``: as the user names it; ``named_types``: those
    that the grant names, none where it has no limit. Operators are bound as well: the document is mostly somebody else's.
    """
    reserved = RESERVED_FILES.of(context)
    if reserved is None or user.name == reserved.holder:
        return
    if document_type == reserved.document_type and document_type in named_types:
        return
    found = judge_examined(examined).sealed_files or {}
    for name in found:
        if name in reserved.names:
            raise document_files_reserved(name, reserved.document_type)
