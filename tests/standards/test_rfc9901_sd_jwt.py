"""SD-JWT: the standard's own example, round trips, and every refusal."""

from __future__ import annotations

import base64
import hashlib
import json
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standards.errors import MalformedError
from standards.rfc9901_sd_jwt import (
    COMBINED_CHARACTERS,
    DISCLOSURES,
    EMBEDDED_DIGESTS,
    Combined,
    Concealer,
    digest_name_of,
    digest_of,
    read_combined,
    read_disclosure,
    reveal,
    write_combined,
    write_disclosure,
)

# RFC 9901 4.2.1 and 4.2.3
FAMILY_NAME = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
FAMILY_NAME_DIGEST = "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
# RFC 9901 4.2.2
ELEMENT_TEXT = "WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0"
ELEMENT_DIGEST = "w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs"
TOKEN = "eyJhIjoxfQ.eyJiIjoyfQ.c2ln"

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3),
    max_leaves=8,
)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def concealer() -> Concealer:
    numbers = count()
    return Concealer(sha256, lambda: f"salt{next(numbers):018d}")


def encoded(text: str | bytes) -> str:
    return base64.urlsafe_b64encode(text.encode() if isinstance(text, str) else text).rstrip(b"=").decode()


def text_of(*content: Any) -> str:
    return encoded(json.dumps(content))


def hashed(text: str) -> str:
    return digest_of(text, sha256)


def rule(call: Any) -> str:
    with pytest.raises(MalformedError) as refusal:
        call()
    assert refusal.value.code == "SD_JWT_FORM"
    return str(refusal.value.facts["rule"])


@pytest.mark.clause("RFC 9901 4.2.3")
def test_the_examples_of_the_standard() -> None:
    member = read_disclosure(FAMILY_NAME)
    assert (member.salt, member.name, member.value) == ("_26bc4LT-ac6q2KI6cBW5es", "family_name", "Möbius")
    assert hashed(FAMILY_NAME) == FAMILY_NAME_DIGEST
    element = read_disclosure(ELEMENT_TEXT)
    assert (element.salt, element.name, element.value) == ("lklxF5jMYlGTPUovMNIvCA", None, "FR")
    assert hashed(ELEMENT_TEXT) == ELEMENT_DIGEST
    payload = {"_sd_alg": "sha-256", "_sd": [FAMILY_NAME_DIGEST], "nationalities": ["DE", {"...": ELEMENT_DIGEST}]}
    assert reveal(payload, (FAMILY_NAME, ELEMENT_TEXT), sha256) == {"family_name": "Möbius", "nationalities": ["DE", "FR"]}
    assert reveal(payload, (), sha256) == {"nationalities": ["DE"]}


@pytest.mark.clause("RFC 9901 7.1")
@settings(max_examples=40)
@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), values, max_size=4), st.lists(values, max_size=3), st.integers(0, 3))
def test_what_is_concealed_comes_back_whole_and_not_at_all(members: dict[str, Any], elements: list[Any], decoys: int) -> None:
    hidden = concealer()
    inner = hidden.conceal_members(members, decoys)
    payload = {"plain": 1, **hidden.conceal_members({"inner": inner}), "list": [hidden.conceal_element(each) for each in elements]}
    texts = [each.text for each in hidden.disclosures]
    assert reveal(payload, texts, sha256) == {"plain": 1, "inner": members, "list": elements}
    assert reveal(payload, (), sha256) == {"plain": 1, "list": []}
    assert [read_disclosure(each.text) for each in hidden.disclosures] == hidden.disclosures
    assert len(inner.get("_sd", ())) == len(members) + decoys


@pytest.mark.clause("RFC 9901 4")
@pytest.mark.parametrize("disclosures", [(), (FAMILY_NAME,), (FAMILY_NAME, ELEMENT_TEXT)])
@pytest.mark.parametrize("key_binding", [None, TOKEN])
def test_the_compact_form_there_and_back(disclosures: tuple[str, ...], key_binding: str | None) -> None:
    combined = Combined(TOKEN, disclosures, key_binding)
    text = write_combined(combined)
    assert read_combined(text) == combined
    assert text == combined.bound_text + (key_binding or "")
    assert combined.bound_text.endswith("~")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "tilde"),
        (TOKEN, "tilde"),
        ("~", "token"),
        ("a.b~", "token"),
        (TOKEN + "=~", "token"),
        (TOKEN + "\n~", "token"),
        (TOKEN + "~a.b", "token"),
        (TOKEN + "~ ", "token"),
        (TOKEN + "~~", "disclosure"),
        (TOKEN + "~a b~", "disclosure"),
        (TOKEN + "~a=~", "disclosure"),
        (TOKEN + "~" + "a" * (16 * 1024 + 1) + "~", "disclosure"),
        (TOKEN + "~a" * (DISCLOSURES + 1) + "~", "disclosures"),
        (TOKEN + "~" + "a" * COMBINED_CHARACTERS, "length"),
    ],
)
def test_what_is_no_compact_form(text: str, why: str) -> None:
    assert rule(lambda: read_combined(text)) == why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "disclosure"),
        ("WyJ_==", "disclosure"),
        ("a" * (16 * 1024 + 1), "disclosure"),
        ("WyJzIiwxXQA"[:-1] + "R", "base64url"),
        ("WyJzI", "base64url"),
        (encoded("[1"), "JSON"),
        (encoded(b'["s","\xff"]'), "JSON"),
        (encoded('["s","\\ud800"]'), "JSON"),
        (encoded("[" * 5000), "JSON"),
        (encoded('["s",{"a":1,"a":2}]'), "duplicate member"),
        (encoded('["s",NaN]'), "not a number"),
        (encoded('["s",1e400]'), "number too large"),
        (encoded('["s",' + "1" * 21 + "]"), "number too large"),
        (encoded('{"a":1}'), "disclosure"),
        (text_of("s"), "disclosure"),
        (text_of("s", "n", 1, 2), "disclosure"),
        (text_of(1, "n", 1), "salt"),
        (text_of("s" * 257, "n", 1), "salt"),
        (text_of("s", 1, 1), "name"),
        (text_of("s", "_sd", []), "name"),
        (text_of("s", "...", "x"), "name"),
    ],
)
@pytest.mark.clause("RFC 9901 4.2")
def test_what_is_no_disclosure(text: str, why: str) -> None:
    assert rule(lambda: read_disclosure(text)) == why


def test_a_fraction_is_a_number() -> None:
    assert read_disclosure(encoded('["s",1.5]')).value == 1.5


@pytest.mark.parametrize("name", ["_sd", "..."])
def test_reserved_names_are_not_written(name: str) -> None:
    with pytest.raises(ValueError, match="reserved"):
        write_disclosure("salt", name, 1)


A = text_of("s1", "a", 1)
OF_ELEMENT = text_of("s2", 1)
WITH_NESTED = text_of("s3", "b", {"_sd": [hashed(A)]})
ALGORITHM = text_of("s4", "_sd_alg", "md5")
DEEP: Any = 1
for _ in range(20):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("payload", "disclosures", "why"),
    [
        ({"_sd": [hashed(A)]}, (A, A), "disclosure comes twice"),
        ({"_sd": [hashed(A), hashed(A)]}, (A,), "digest stands in two places"),
        ({"_sd": [hashed(A), hashed(A)]}, (), "digest stands in two places"),
        ({"_sd": [hashed(A)], "x": {"_sd": [hashed(A)]}}, (A,), "digest stands in two places"),
        ({"_sd": [hashed(A)], "x": [{"...": hashed(A)}]}, (A,), "kind of disclosure"),
        ({"_sd": [hashed(A), hashed(WITH_NESTED)]}, (A, WITH_NESTED), "digest stands in two places"),
        ({"_sd": [hashed(A)]}, (A, OF_ELEMENT), "disclosure belongs nowhere"),
        ({"_sd": [hashed(WITH_NESTED)]}, (A,), "disclosure belongs nowhere"),
        ({}, (A,), "disclosure belongs nowhere"),
        ({"_sd": [hashed(A)], "a": 2}, (A,), "name is there already"),
        ({"_sd": [hashed(A), hashed(text_of("s9", "a", 3))]}, (A, text_of("s9", "a", 3)), "name is there already"),
        ({"_sd": [hashed(ALGORITHM)]}, (ALGORITHM,), "name is there already"),
        ({"_sd": [hashed(OF_ELEMENT)]}, (OF_ELEMENT,), "kind of disclosure"),
        ({"x": [{"...": hashed(A)}]}, (A,), "kind of disclosure"),
        ({"_sd": "x"}, (), "_sd"),
        ({"_sd": [1]}, (), "digest"),
        ({"_sd": ["short"]}, (), "digest"),
        ({"x": [{"...": 1}]}, (), "digest"),
        ({"...": hashed(A)}, (), "reserved name"),
        ({"x": [{"...": hashed(A), "y": 1}]}, (A,), "reserved name"),
        ({"x": {"_sd_alg": "md5"}}, (), "reserved name"),
        ({"x": DEEP}, (), "depth"),
        ({"_sd": [hashed(str(each)) for each in range(EMBEDDED_DIGESTS + 1)]}, (), "digests"),
        ({}, tuple(text_of("s", str(each), 1) for each in range(DISCLOSURES + 1)), "disclosures"),
    ],
)
@pytest.mark.clause("RFC 9901 7.1")
def test_disclosures_that_do_not_fit_the_payload(payload: dict[str, Any], disclosures: tuple[str, ...], why: str) -> None:
    assert rule(lambda: reveal(payload, disclosures, sha256)) == why


@pytest.mark.clause("RFC 9901 9.5")
def test_two_disclosures_of_one_digest_are_refused() -> None:
    """A digest for which a second disclosure can be found would let the holder choose."""
    assert rule(lambda: reveal({"_sd": ["A" * 43]}, (A, OF_ELEMENT), lambda _: bytes(32))) == "two disclosures of one digest"


def test_objects_that_lose_everything_stay_as_empty_ones() -> None:
    assert reveal({"x": {"_sd": [hashed(A)]}, "y": [[{"...": hashed(OF_ELEMENT)}]]}, (), sha256) == {"x": {}, "y": [[]]}


@pytest.mark.clause("RFC 9901 4.1.1")
def test_the_name_of_the_digest() -> None:
    assert digest_name_of({}) == "sha-256"
    assert digest_name_of({"_sd_alg": "sm3"}) == "sm3"
    assert rule(lambda: digest_name_of({"_sd_alg": ["sha-256"]})) == "_sd_alg"
