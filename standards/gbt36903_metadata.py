"""GB/T 36903-2018: metadata of electronic licences (电子证照元数据): the items with their keys, and the holder code types of Annex A."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from standards.errors import MalformedError

JOINED_BY: Final = "^"  # several values of one item
NO_END: Final = "长期"
_DATE: Final = re.compile(r"[0-9]{8}")


@dataclass(frozen=True, slots=True)
class MetadataItem:
    """One item. ``key``: the name it has in OFD custom data and in XML, empty where it has none there; ``column``: in databases."""

    name_zh: str
    key: str
    column: str


ITEMS: Final = (
    MetadataItem("电子证照标识", "ZZBS", "certificate_identifier"),
    MetadataItem("证照名称", "ZZMC", "certificate_name"),
    MetadataItem("证照类型名称", "", "certificate_type_name"),
    MetadataItem("证照类型代码", "ZZLXDM", "certificate_type_name_code"),
    MetadataItem("证照编号", "ZZBH", "certificate_number"),
    MetadataItem("证照版本", "", "certificate_version"),
    MetadataItem("证照颁发机构", "ZZBFJG", "certificate_issuing_authority_name"),
    MetadataItem("证照颁发机构代码", "ZZBFJGDM", "certificate_issuing_authority_code"),
    MetadataItem("证照颁发日期", "ZZBFRQ", "certificate_issuing_authority_date"),
    MetadataItem("证照定义机构", "", "certificate_define_authority_name"),
    MetadataItem("证照定义机构代码", "", "certificate_define_authority_code"),
    MetadataItem("证照有效期起始日期", "ZZYXQQSRQ", "certificate_validate_start"),
    MetadataItem("证照有效期截止日期", "ZZYXQJZRQ", "certificate_validate_end"),
    MetadataItem("有效期限范围", "", "certificate_validity_range"),
    MetadataItem("行政区划代码", "", "certificate_area_code"),
    MetadataItem("持证主体", "CZZT", "certificate_holder_name"),
    MetadataItem("持证主体代码", "CZZTDM", "certificate_holder_code"),
    MetadataItem("持证主体代码类型", "CZZTDMLX", "certificate_holder_type_name"),
    MetadataItem("持证主体代码类型代码", "CZZTDMLXDM", "certificate_holder_type"),
    MetadataItem("证照签章人", "ZZQZR", ""),
    MetadataItem("证照签章时间", "ZZQZSJ", ""),
    MetadataItem("证照签章名称", "ZZQZMC", ""),
    MetadataItem("关联事项名称", "", "related_item_name"),
    MetadataItem("关联事项代码", "", "related_item_code"),
    MetadataItem("加注件制作时间", "JZJZZSJ", "certificate_copy_creation_time"),
    MetadataItem("加注件制作者", "JZJZZZ", "certificate_copy_creator"),
    MetadataItem("加注件制作事由", "JZJZZSY", "certificate_copy_cause"),
    MetadataItem("加注件有效期截止时间", "JZJYXQJZSJ", "certificate_copy_expiring_time"),
)
EXTENSION_PREFIX: Final = "KZ_"  # keys of what belongs to one type only
KEYS: Final = frozenset(item.key for item in ITEMS if item.key)


@dataclass(frozen=True, slots=True)
class HolderCodeType:
    """One line of Annex A. ``is_person``: the holder is a natural person."""

    code: str
    name_zh: str
    name_en: str
    is_person: bool


HOLDER_CODE_TYPES: Final = {
    line.code: line
    for line in (
        HolderCodeType("001", "统一社会信用代码", "unified social credit code", is_person=False),
        HolderCodeType("099", "其他法人或其他组织有效证件代码", "other code of an organisation", is_person=False),
        HolderCodeType("111", "公民身份号码", "resident identity number", is_person=True),
        HolderCodeType("114", "中国人民解放军军官证件号码", "army officer's card", is_person=True),
        HolderCodeType("115", "中国人民武装警察部队警官证件号码", "armed police officer's card", is_person=True),
        HolderCodeType("118", "中国人民解放军士兵证件号码", "soldier's card", is_person=True),
        HolderCodeType("119", "中国人民武装警察部队士兵证件号码", "armed police soldier's card", is_person=True),
        HolderCodeType("120", "中国人民解放军文职人员证件号码", "army civilian's card", is_person=True),
        HolderCodeType("122", "中国人民武装警察部队文职人员证件号码", "armed police civilian's card", is_person=True),
        HolderCodeType("411", "外交护照号码", "diplomatic passport", is_person=True),
        HolderCodeType("412", "公务护照号码", "service passport", is_person=True),
        HolderCodeType("413", "公务普通护照号码", "passport for public affairs", is_person=True),
        HolderCodeType("414", "普通护照号码", "ordinary passport", is_person=True),
        HolderCodeType("511", "台湾居民来往大陆通行证号码", "mainland travel permit for Taiwan residents", is_person=True),
        HolderCodeType("516", "港澳居民来往内地通行证号码", "mainland travel permit for Hong Kong and Macao residents", is_person=True),
        HolderCodeType("999", "其他自然人有效证件代码", "other code of a natural person", is_person=True),
    )
}
CREDIT_CODE: Final = "001"
RESIDENT_ID: Final = "111"
PASSPORTS_AND_PERMITS: Final = frozenset({"411", "412", "413", "414", "511", "516"})
"""Printed in capital letters and digits (ICAO Doc 9303)."""
OTHER_CODES: Final = frozenset({"099", "999"})  # of any document: nobody knows whether its small letters are others


def write_date(day: date | None) -> str:
    """A date as eight digits; the end that is none as 长期."""
    return NO_END if day is None else f"{day:%Y%m%d}"


def read_date(text: str) -> date | None:
    """A date of eight digits; None for an end that is none (empty or 长期). Raises :class:`MalformedError` ``LICENCE_DATE``."""
    if text in {"", NO_END}:
        return None
    if _DATE.fullmatch(text):
        try:
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        except ValueError:
            pass  # a day that no calendar has, refused below
    raise MalformedError("LICENCE_DATE", expected="YYYYMMDD")
