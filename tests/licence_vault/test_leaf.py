"""Leaves of the licence log: one spelling, and no place for personal data."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from licence_vault.log.leaf import LEAF_BYTES, LicenceLeaf, StatusListLeaf, read_leaf, write_leaf
from standards.errors import MalformedError
from standards.gb32100_credit_code import is_credit_code

AT = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
LEAF = LicenceLeaf("made", "11100000000013338W011", "11430000006122244L", "001", AT, None, 734_211, None, bytes(range(32)))
LIST = StatusListLeaf(1, AT, 1_000_000, 2, bytes(32))


def canonical(members: dict[str, Any]) -> bytes:
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize("leaf", [LEAF, replace(LEAF, event="issued", previous=0, file_digest=b"\xff" * 32), LIST])
def test_a_leaf_is_read_as_written(leaf: LicenceLeaf | StatusListLeaf) -> None:
    assert read_leaf(write_leaf(leaf)) == leaf
    assert write_leaf(replace(leaf, at=AT.astimezone(timezone(timedelta(hours=8))))) == write_leaf(leaf)


def test_a_leaf_holds_nothing_but_codes_numbers_times_and_digests() -> None:
    members = json.loads(write_leaf(LEAF))
    for name, value in members.items():
        if isinstance(value, str):
            with pytest.raises(MalformedError, match="LICENCE_LEAF_FORM"):  # no free text anywhere: a name, an identity number
                read_leaf(canonical({**members, name: "张三"}))
            with pytest.raises(MalformedError, match="LICENCE_LEAF_FORM"):
                read_leaf(canonical({**members, name: "110101199003070011"}))
    with pytest.raises(MalformedError, match="members"):
        read_leaf(canonical({**members, "holder": "x"}))


def test_an_authority_s_code_that_is_in_use_need_not_be_right() -> None:
    unsound = replace(LEAF, type_code="11100000000013339W011")
    assert not is_credit_code(unsound.type_code[:18])
    assert read_leaf(write_leaf(unsound)) == unsound


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": True},
        {"event": "unheard_of"},
        {"event": 3},
        {"type": "11100000000013338W01"},
        {"type": "110101199003070011001"},
        {"issuer": "11430000006122244M"},
        {"issuer": "11430000006122244l"},
        {"event": ["made"]},
        {"event": {}},
        {"version": "1"},
        {"time": "2026-11-28T08:00:00.5Z"},
        {"time": "2026-13-28T08:00:00Z"},
        {"time": None},
        {"previous": -1},
        {"previous": 1.0},
        {"status_index": None},
        {"status_index": 2**53},
        {"file": "00"},
        {"file": "A" * 64},
        {"commitment": None},
    ],
)
def test_a_leaf_of_another_form_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedError, match="LICENCE_LEAF_FORM"):
        read_leaf(canonical({**json.loads(write_leaf(LEAF)), **change}))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[1]",
        b"[" * 900,
        write_leaf(LEAF) + b" ",
        write_leaf(LEAF).replace(b'"v":1', b'"v":1,"v":1'),
        b'{"x":"' + b"a" * LEAF_BYTES + b'"}',
        canonical({**json.loads(write_leaf(LIST)), "more": 1}),
    ],
)
def test_bytes_that_are_no_leaf_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedError, match="LICENCE_LEAF_FORM"):
        read_leaf(data)


@pytest.mark.parametrize(
    "leaf",
    [replace(LEAF, at=AT.replace(tzinfo=None)), replace(LEAF, at=AT + timedelta(microseconds=1)), replace(LEAF, type_code="张三")],
)
def test_what_nobody_would_read_is_not_written(leaf: LicenceLeaf) -> None:
    with pytest.raises(MalformedError, match="LICENCE_LEAF_FORM"):
        write_leaf(leaf)
