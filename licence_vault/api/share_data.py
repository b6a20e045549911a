"""How the share interface writes licences and types: under the names of GB/T 36903 and GB/T 36902."""

from __future__ import annotations

from typing import TYPE_CHECKING

from licence_vault.faces.metadata import custom_data
from licence_vault.share_codes import RESULTS
from standards.gbt36902_catalogue import HOLDER_CATEGORY_NAMES, JOINED_BY, write_validity_ranges

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from licence_vault.actions.query_shared import SharedLicence
    from licence_vault.type_rules.definition import TypeDefinition
    from licence_vault.uses import SharingPermission, UseMode


def write_licence_data(shared: SharedLicence) -> dict[str, str]:
    """certData: the items of GB/T 36903 by key, face items of the type with ``KZ_``; ``zzzt``: the state by the status rule of its type; ``masked``: whether something is."""
    return custom_data(shared.data) | {
        "certificateVersion": shared.data.version,
        "zzzt": shared.status,
        "masked": "0" if shared.is_whole else "1",
    }


def write_result(result: str) -> dict[str, str]:
    """What verifying answers."""
    code, message = RESULTS[result]
    return {"result": code, "message": message}


def write_type(definition: TypeDefinition, permission: SharingPermission, modes: AbstractSet[UseMode]) -> dict[str, str]:
    """A type by the items of GB/T 36902, and what the caller may do with its licences."""
    catalogue = definition.catalogue
    return {
        "CertificateTypeName": definition.name,
        "CertificateTypeCode": definition.code,
        "CertificateDefineAuthorityName": catalogue.authority_name,
        "CertificateDefineAuthorityCode": catalogue.authority_code,
        "CertificateDefineAuthorityLevel": catalogue.authority_level.value,
        "CertificateIssuingAuthorityLevel": catalogue.issuing_level.value,
        "RelatedItemName": JOINED_BY.join(each.name for each in catalogue.related_items),
        "RelatedItemCode": JOINED_BY.join(each.code for each in catalogue.related_items),
        "CertificateHolderCategory": HOLDER_CATEGORY_NAMES[catalogue.holder_category],
        "ValidityRange": write_validity_ranges(catalogue.validity_ranges),
        "certificateCatalogType": catalogue.catalogue_class,
        "useModes": JOINED_BY.join(sorted(modes)),
        "useRights": JOINED_BY.join(sorted(permission.rights)),
    }


def write_items(definition: TypeDefinition) -> list[dict[str, str]]:
    """The face items of a type: key, name, kind."""
    return [{"key": each.key, "name": each.name, "kind": each.kind.value} for each in definition.items]
