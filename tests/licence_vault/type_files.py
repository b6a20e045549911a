"""Files of licence types for tests."""

from __future__ import annotations

import copy
from typing import Any

AUTHORITY = "11150700MB1234562Q"  # invented; its check characters are right
TYPE = f"{AUTHORITY}990"

_WHOLE: dict[str, Any] = {
    "format": 1,
    "code": TYPE,
    "name": "示例许可证",
    "standard": "C9999-2026",
    "catalogue": {
        "authority_name": "示例市政务服务局",
        "authority_code": AUTHORITY,
        "authority_level": "3",
        "issuing_level": "4",
        "class": "1",
        "holder_category": "mixed",
        "validity_ranges": "1年^5年^长期",
        "related_items": [{"name": "示例事项", "code": "000100000000"}],
    },
    "items": [
        {"key": "KZ_address", "block": "basic", "name": "地址", "kind": "text", "is_required": True},
        {"key": "KZ_scope", "block": "permission", "name": "范围", "kind": "lines", "characters_max": 2000},
        {"key": "KZ_seats", "block": "permission", "name": "座位", "kind": "integer", "least": 0, "most": 5000},
        {"key": "KZ_area", "block": "basic", "name": "面积", "kind": "decimal", "least": 1},
        {"key": "KZ_day", "block": "management", "name": "检查日期", "kind": "date"},
        {"key": "KZ_class", "block": "permission", "name": "等级", "kind": "choice", "choices": ["甲级", "乙级"]},
        {"key": "KZ_operator", "block": "holder", "name": "经营者代码", "kind": "credit_code"},
        {"key": "KZ_manager", "block": "holder", "name": "负责人身份证", "kind": "resident_id", "is_personal": True},
        {"key": "KZ_place", "block": "basic", "name": "区划", "kind": "area_code"},
        {"key": "KZ_plate", "block": "basic", "name": "车牌", "kind": "mask", "mask": "蒙A·XXXXX", "name_mongolian": "ᠲᠡᠮᠳᠡᠭ"},
    ],
    "numbering": "示字〔{year}〕第{serial:6}号",
    "face": {
        "v": 1,
        "name": "示例",
        "page": {"width_mm": 210, "height_mm": 297},
        "parts": [{"kind": "line", "x_mm": 1, "y_mm": 1, "to_x_mm": 9, "to_y_mm": 9}],
    },
    "sealing": {"seal": "issuer", "page": 1, "x_mm": 50, "y_mm": 40},
    "status_codes": {"revoked": {"region": "03", "share": 21, "name": "吊销"}},
    "sharing": {"modes": ["consented", "duty"], "shown_masked": ["KZ_class"]},
}


def type_file(path: str = "", value: object = None, **members: Any) -> dict[str, Any]:
    """The file with members replaced; ``path`` such as ``items.0.key``, a value of ``...`` removes it."""
    whole = copy.deepcopy(_WHOLE) | members
    if path:
        place: Any = whole
        *way, last = path.split(".")
        for each in way:
            place = place[int(each)] if isinstance(place, list) else place[each]
        if value is ...:
            del place[last]
        else:
            place[int(last) if isinstance(place, list) else last] = value
    return whole
