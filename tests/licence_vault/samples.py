"""Synthetic licences for tests: invented names, numbers that no one has."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from licence_vault.model import Holder, Issuer, LicenceData, LicenceTypeReference, StatusReference
from standards.gbt36904_licence_number import write_licence_number

TYPE_CODE = "11100000000013338W999"  # the sequence is invented
ISSUER_CODE = "11430000006122244L"


def sample_licence(**changes: Any) -> LicenceData:
    """A licence of the sample type; ``changes`` replace its members."""
    licence = LicenceData(
        identifier=write_licence_number(TYPE_CODE, ISSUER_CODE, "TEST0000000000000000", 1),
        type=LicenceTypeReference(TYPE_CODE, "示例许可证", 1),
        number="示例字〔2026〕第0001号",
        version="001",
        name="示例许可证（样本）",
        issuer=Issuer("示例市住房和城乡建设局", ISSUER_CODE),
        issued_on=date(2026, 11, 28),
        valid_from=date(2026, 11, 28),
        valid_to=date(2031, 11, 27),
        area_code="150100",
        holders=(Holder("张三（示例）", "11010519491231002X", "111"),),
        fields={"KZ_address": "示例路1号", "KZ_scope": "示例经营范围"},
        status=StatusReference("https://licences.example/licences/status/1", 4711),
    )
    return replace(licence, **changes)
