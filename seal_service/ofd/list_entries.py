"""The list against smuggled files of GM/T 0099-2020 (7.4): added to a finished package, and signed with a time-stamped GB/T 35275 value.

It names every file and carries no digests, so it goes beside a seal and is no seal itself. What is added later stands out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seal_service.ofd.listing import list_signatures
from seal_service.ofd.seal import PreparedOfdSeal
from seal_service.ofd.sealing_rules import check_unlisted, open_package
from standards.gbt33190_ofd.archive_copy import copy_archive
from standards.gbt33190_ofd.signing_parts import PROVIDER
from standards.gmt0099_ofd import ENTRIES_NAME, write_entries

if TYPE_CHECKING:
    from datetime import datetime

VALUE_NAME: Final = "OFDEntriesSignedValue.dat"


def has_signatures(original: bytes) -> bool:
    """Whether the package has a signature that a list of files could stand beside. Raises what :func:`open_package` refuses."""
    package = open_package(original)
    return bool(list_signatures(package, []))


def prepare_entries(original: bytes, *, signed_at: datetime) -> PreparedOfdSeal:
    """Add the list without its value; ``signed_at`` (aware) only dates the files. The list itself is what the value is over.

    :raises TrustError: what :func:`~seal_service.ofd.sealing_rules.open_package` refuses, ``OFD_ENTRIES_PRESENT``.
    """
    package = open_package(original)
    check_unlisted(package)
    description = write_entries(package.container.members, f"/{VALUE_NAME}", creator=PROVIDER, made_on=signed_at.date())
    archive = copy_archive(package.container)
    archive.add(ENTRIES_NAME, description, signed_at)
    return PreparedOfdSeal(archive, ENTRIES_NAME, VALUE_NAME, description, int(signed_at.timestamp()))
