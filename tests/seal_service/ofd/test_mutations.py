"""Any change to a sealed document: never an exception, and never valid where a protected byte is another one."""

from __future__ import annotations

import random
from functools import cache

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crypto.report import Verdict
from crypto.sm3 import sm3
from tests.seal_service.ofd import signed_forms
from tests.seal_service.ofd.documents import LIST, SIGNATURE, VALUE, Signing, sign, verify
from tests.standards.gbt33190_ofd.archives import pack
from tests.standards.gbt33190_ofd.parts import plain_files


@cache
def sealed_files(kind: str) -> dict[str, bytes]:
    if kind == "Sign":
        return sign(plain_files(), Signing(kind="Sign", with_seal_file=False, value=signed_forms.form_a))
    return sign(plain_files(), Signing(lock=kind == "locked"))


@pytest.mark.parametrize("kind", ["Seal", "Sign", "locked"])
def test_the_documents_are_valid_as_they_are(kind: str) -> None:
    assert verify(sealed_files(kind)).verdict is Verdict.VALID


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["Seal", "Sign", "locked"]), st.data())
def test_no_protected_byte_can_be_another(kind: str, data: st.DataObject) -> None:
    """Of a locked document every byte of every file but the value is protected; else the list of signatures is open too."""
    files = dict(sealed_files(kind))
    name = data.draw(st.sampled_from([name for name in files if files[name] and name != VALUE and (kind == "locked" or name != LIST)]))
    changed = bytearray(files[name])
    at = data.draw(st.integers(0, len(changed) - 1))
    changed[at] ^= data.draw(st.integers(1, 255))
    report = verify({**files, name: bytes(changed)})
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["Seal", "Sign"]), st.data())
def test_no_byte_of_a_value_can_be_another(kind: str, data: st.DataObject) -> None:
    """The value does not cover the names of its algorithms, so some changes leave it undecided; none leaves it valid."""
    files = dict(sealed_files(kind))
    changed = bytearray(files[VALUE])
    at = data.draw(st.integers(0, len(changed) - 1))
    digest_at = changed.find(sm3(files[SIGNATURE])) if kind == "Sign" else 0
    assume(at != digest_at - 2)  # the kind of the content is free by GB/T 35275 where nothing but its octets is signed
    changed[at] ^= data.draw(st.integers(1, 255))
    assert verify({**files, VALUE: bytes(changed)}).verdict is not Verdict.VALID


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_file_can_be_removed_swapped_or_renamed(data: st.DataObject) -> None:
    files = dict(sealed_files("Seal"))
    name, other = data.draw(st.lists(st.sampled_from(sorted(files)), min_size=2, max_size=2, unique=True))
    content = files.pop(name)
    match data.draw(st.sampled_from(["remove", "swap", "rename"])):
        case "swap" if files[other] != content:
            files[name], files[other] = files[other], content
        case "rename":
            files[f"{name}x"] = content
        case _:
            pass
    report = verify(files)
    assert report.verdict is not Verdict.VALID or name.endswith("Seal.esl")


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_flipped_bytes_of_the_package_itself(data: st.DataObject) -> None:
    """In names, sizes, checksums, packed data: what still reads as valid has the same files as before."""
    sound = pack(sealed_files("Seal"))
    changed = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    report = verify(bytes(changed))
    if report.verdict is Verdict.VALID:
        from standards.gbt33190_ofd.container import Container

        container = Container(bytes(changed))
        same = {name: container.read(name, 1 << 20) for name in container.members}
        assert {name: content for name, content in same.items() if name != LIST} == {
            name: content for name, content in sealed_files("Seal").items() if name != LIST
        }


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from([SIGNATURE, LIST, "OFD.xml", "Doc_0/Document.xml", VALUE]),
)
def test_any_content_of_a_part_is_reported(content: bytes, name: str) -> None:
    assert verify({**sealed_files("Seal"), name: content}).verdict is not Verdict.VALID


def test_no_byte_of_the_description_is_free() -> None:
    """Two hundred places of one file, each with a change that often keeps it readable."""
    files = dict(sealed_files("Seal"))
    name = SIGNATURE
    whole = files[name]
    positions = random.Random(7).sample(range(len(whole)), 200)
    for at in positions:
        files[name] = whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :]
        assert verify(files).verdict is not Verdict.VALID
