"""Field maps: what they may say, and what a record says by them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib.resources import files
from typing import Any

import pytest

from licence_vault.life import LICENCE_LIFE, LicenceEvent, LicenceState, TypeState
from licence_vault.register import EventRecord, LicenceRecord, TypeVersion
from licence_vault.reporting.field_map import DEFAULT, default_map, read_field_map
from licence_vault.reporting.limits import COLUMNS, FIELD_MAP_BYTES
from licence_vault.reporting.mapped_record import ToldEvent, map_licence, map_type
from licence_vault.type_rules.read_definition import definition_of
from standards.errors import TrustError
from tests.licence_vault.samples import ISSUER_CODE, sample_licence
from tests.licence_vault.type_files import AUTHORITY, TYPE, type_file

AT = datetime(2026, 11, 28, 8, 0, 5, tzinfo=UTC)
MAP: dict[str, Any] = json.loads((files("licence_vault.reporting") / "field_maps" / DEFAULT).read_text(encoding="utf-8"))
DATA = sample_licence(valid_to=None)


def record(**changes: Any) -> LicenceRecord:
    right = LicenceRecord(
        id="lc_1",
        identifier=DATA.identifier,
        root_id="lc_1",
        predecessor_id=None,
        successor_id=None,
        version=1,
        type_code=TYPE,
        type_version=1,
        issuer_code=ISSUER_CODE,
        area_code="150100",
        number_digest=bytes(32),
        issued_on=date(2026, 11, 28),
        valid_from=date(2026, 11, 28),
        valid_to=None,
        status_list=1,
        status_index=4711,
        commitment=bytes(32),
        data_sealed=b"",
        state=LicenceState.REVOKED,
        state_reason="",
        revision=3,
        made_by="cl",
        actor="cl",
        made_at=AT,
        state_at=AT,
        last_entry_id="",
        order_json="",
        lease_until=None,
        claim_digest=None,
    )
    return replace(right, **changes)


def told(step: str = "issue", **changes: Any) -> ToldEvent:
    taken = next(each for each in LICENCE_LIFE if each.name == step)
    event = EventRecord(
        licence_id="lc_1",
        position=2,
        event=taken.event,
        step=step,
        from_state="draft",
        to_state=taken.target.value,
        operation=taken.operation,
        holder="cl",
        actor="cl",
        at=AT,
        reason="依据",
        file_digest=None,
        entry_id="e",
        audit_id="a",
    )
    return replace(ToldEvent(record(), event, definition_of(type_file()), DATA, None), **changes)


def refusal(value: object) -> tuple[str, object]:
    with pytest.raises(TrustError) as refused:
        read_field_map(value if isinstance(value, bytes) else json.dumps(value).encode())
    return refused.value.code, refused.value.facts["place"]


def test_the_usual_map_has_the_columns_of_the_standards() -> None:
    found = default_map()
    assert found.label == "gbt36903/1"
    assert {"certificate_identifier", "certificate_holder_code", "status", "operateType", "extend_info"} <= found.licence.keys()
    assert {"CertificateTypeCode", "CertificateDefineAuthorityLevel", "certificateCatalogType"} <= found.type.keys()


def test_a_record_says_what_happened_in_the_words_of_the_region() -> None:
    written = map_licence(default_map(), told("revoke", predecessor="1.2.156.3005.2.X"))
    assert json.loads(written) == {
        "certificate_identifier": DATA.identifier,
        "certificate_name": "示例许可证（样本）",
        "certificate_type_name": "示例许可证",
        "certificate_type_name_code": TYPE,
        "certificate_number": "示例字〔2026〕第0001号",
        "certificate_version": "001",
        "certificate_issuing_authority_name": "示例市住房和城乡建设局",
        "certificate_issuing_authority_code": ISSUER_CODE,
        "certificate_issuing_authority_date": "20261128",
        "certificate_define_authority_name": "示例市政务服务局",
        "certificate_define_authority_code": AUTHORITY,
        "certificate_validate_start": "20261128",
        "certificate_validate_end": "长期",
        "certificate_validity_range": "1年^5年^长期",
        "certificate_area_code": "150100",
        "certificate_holder_name": "张三（示例）",
        "certificate_holder_code": "11010519491231002X",
        "certificate_holder_type_name": "公民身份号码",
        "certificate_holder_type": "111",
        "related_item_name": "示例事项",
        "related_item_code": "000100000000",
        "extend_info": {"KZ_address": "示例路1号", "KZ_scope": "示例经营范围"},
        "zzbgsj": "2026-11-28T16:00:05+08:00",
        "zzbgyy": "依据",
        "status": "03",  # what the type calls a revoked licence, not the usual 07
        "operateType": "05",
        "associatedZzeCertID": "1.2.156.3005.2.X",
    }
    assert written == map_licence(default_map(), told("revoke", predecessor="1.2.156.3005.2.X"))


def test_of_an_erased_licence_nothing_is_told_that_was_in_it() -> None:
    written = json.loads(map_licence(default_map(), told("cancel", data=None)))
    assert (written["certificate_identifier"], written["status"], written["operateType"]) == (DATA.identifier, "04", "05")
    assert not {"certificate_name", "certificate_number", "certificate_holder_name", "certificate_holder_code", "extend_info"} & set(
        written
    )


def test_codes_dates_and_constants_are_data() -> None:
    whole = MAP | {
        "dates": "YYYY-MM-DD",
        "no_end": "",
        "licence": {"id": "identifier", "zt": "status.code", "from": "valid_from", "to": "valid_to", "src": {"constant": "150700"}},
        "status_codes": {TYPE: {"suspended": "2"}, "*": {"suspended": "9", "issued": "1"}},
        "operations": {"suspend": "", "annual-pass": "11"},
    }
    chosen = read_field_map(json.dumps(whole).encode())
    assert json.loads(map_licence(chosen, told("suspend"))) == {
        "id": DATA.identifier,
        "zt": "2",
        "from": "2026-11-28",
        "to": "",
        "src": "150700",
    }
    assert chosen.status_code("another", LicenceState.SUSPENDED, "02") == "9"
    assert chosen.status_code(TYPE, LicenceState.ISSUED, "01") == "1"
    assert chosen.status_code(TYPE, LicenceState.REVOKED, "07") == "07"
    assert [chosen.operation(step) for step in ("suspend", "annual-pass", "issue", "make")] == ["", "11", "01", ""]


def test_a_type_is_told_with_its_catalogue_items() -> None:
    version = TypeVersion(TYPE, 2, TypeState.PUBLISHED, "示例许可证", b"", ("a",), "b", "", 3, AT, AT)
    chosen = read_field_map(json.dumps(MAP | {"holder_categories": {"mixed": "3"}}).encode())
    assert json.loads(map_type(chosen, version, definition_of(type_file()), "published")) == {
        "CertificateTypeName": "示例许可证",
        "CertificateTypeCode": TYPE,
        "CertificateDefineAuthorityName": "示例市政务服务局",
        "CertificateDefineAuthorityCode": AUTHORITY,
        "CertificateDefineAuthorityLevel": "3",
        "CertificateIssuingAuthorityLevel": "4",
        "RelatedItemName": "示例事项",
        "RelatedItemCode": "000100000000",
        "CertificateHolderCategory": "3",
        "ValidityRange": "1年^5年^长期",
        "certificateCatalogType": "1",
        "version": "2",
        "updateTime": "2026-11-28T16:00:05+08:00",
        "status": "published",
    }


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (b"\xff", "$"),
        (b"{", "$"),
        (b"[" * 100_000, "$"),
        (b" " * (FIELD_MAP_BYTES + 1), "$"),
        ([], "$"),
        ({}, "$"),
        (MAP | {"strange": 1}, "$"),
        (MAP | {"format": True}, "$.format"),
        (MAP | {"format": 2}, "$.format"),
        (MAP | {"name": "Not A Name"}, "$.name"),
        (MAP | {"name": 1}, "$.name"),
        (MAP | {"version": 0}, "$.version"),
        (MAP | {"version": "1"}, "$.version"),
        (MAP | {"dates": "DD.MM."}, "$.dates"),
        (MAP | {"dates": []}, "$.dates"),
        (MAP | {"no_end": None}, "$.no_end"),
        (MAP | {"joined_by": "a\u202eb"}, "$.joined_by"),
        (MAP | {"licence": []}, "$.licence"),
        (MAP | {"licence": {f"c{n}": "name" for n in range(COLUMNS + 1)}}, "$.licence"),
        (MAP | {"licence": {"1a": "identifier"}}, "$.licence"),
        (MAP | {"licence": {"a": "identifier"}}, "$.licence"),
        (MAP | {"licence": MAP["licence"] | {"a": "holders.__class__"}}, "$.licence.a"),
        (MAP | {"licence": MAP["licence"] | {"a": {"constant": 1}}}, "$.licence.a"),
        (MAP | {"licence": MAP["licence"] | {"a": {"other": "1"}}}, "$.licence.a"),
        (MAP | {"type": {"a": "name"}}, "$.type"),
        (MAP | {"status_codes": []}, "$.status_codes"),
        (MAP | {"status_codes": {"short": {}}}, "$.status_codes"),
        (MAP | {"status_codes": {"*": {"strange": "1"}}}, "$.status_codes.*"),
        (MAP | {"status_codes": {"*": {"issued": ""}}}, "$.status_codes.*.issued"),
        (MAP | {"operations": {"strange": "1"}}, "$.operations"),
        (MAP | {"holder_categories": {"mixed": "x" * 33}}, "$.holder_categories.mixed"),
    ],
)
def test_what_is_no_map_is_refused_by_its_place(value: object, place: str) -> None:
    assert refusal(value) == ("LICENCE_FIELD_MAP_MALFORMED", place)


def test_every_event_of_the_life_that_the_region_knows_can_be_told() -> None:
    operations = {step.name: default_map().operation(step.name) for step in LICENCE_LIFE}
    assert {name for name, operation in operations.items() if not operation} == {"abandon"}
    for step in LICENCE_LIFE:
        assert json.loads(map_licence(default_map(), told(step.name)))["zzbgsj"]
    assert LicenceEvent.PRINTED.value not in operations
