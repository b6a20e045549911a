"""Signed notes: the specification's rules, its own example, and every refusal."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards.c2sp_signed_note import (
    NOTE_BYTES,
    TYPE_ED25519,
    TYPE_SM2,
    Note,
    NoteSignature,
    check_key_name,
    key_id_input,
    read_note,
    read_verifier_key,
    write_note,
    write_verifier_key,
)
from standards.errors import MalformedError

# the example of C2SP signed-note
EXAMPLE = (
    "Ognuno sta solo sul cuor della terra\n"
    "trafitto da un raggio di sole:\n"
    "\n"
    "ed è subito sera.\n"
    "\n"
    "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
).encode()

names = st.text(st.characters(blacklist_categories=["Cc", "Cs", "Zs", "Zl", "Zp"], blacklist_characters="+"), min_size=1, max_size=40)
lines = st.text(st.characters(blacklist_categories=["Cc", "Cs"]), max_size=40)
signatures = st.builds(NoteSignature, names, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=100))


@pytest.mark.clause("C2SP signed-note Format")
def test_the_example_of_the_specification_is_read() -> None:
    note = read_note(EXAMPLE)
    assert note.text == "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n"
    (signature,) = note.signatures
    assert signature.key_name == "quasimodo.example/salvatore"
    assert (signature.key_id.hex(), len(signature.signature)) == ("367ba04b", 64)
    assert write_note(note) == EXAMPLE


@pytest.mark.clause("C2SP signed-note Format")
@given(st.lists(lines, min_size=1, max_size=6), st.lists(signatures, min_size=1, max_size=4))
def test_what_is_written_is_read_again(text_lines: list[str], signed: list[NoteSignature]) -> None:
    note = Note("".join(line + "\n" for line in text_lines), tuple(signed))
    assert read_note(write_note(note)) == note


@pytest.mark.clause("C2SP signed-note Signature types")
def test_the_key_id_of_the_specification_s_public_vector() -> None:
    """The Go checksum database's published verifier key: name, id and key belong together."""
    name, key_id, key = read_verifier_key("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
    assert key[:1] == TYPE_ED25519
    assert hashlib.sha256(key_id_input(name, key[:1], key[1:])).digest()[:4] == key_id
    assert write_verifier_key(name, key_id, key[:1], key[1:]) == "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"


def test_our_type_byte_is_the_one_left_to_others() -> None:
    assert TYPE_SM2.startswith(b"\xff")
    assert len(TYPE_SM2) > 8


@pytest.mark.clause("C2SP signed-note Format")
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"x" * (NOTE_BYTES + 1), "NOTE_TOO_LARGE"),
        (b"\xff\xfe\n\n", "NOTE_NOT_TEXT"),
        (b"", "NOTE_FORM"),
        (b"text without signatures\n", "NOTE_FORM"),
        (EXAMPLE[:-1], "NOTE_FORM"),
        (EXAMPLE.replace(b"solo", b"so\tlo"), "NOTE_FORM"),
        (EXAMPLE.replace(b"solo", b"so\rlo"), "NOTE_FORM"),
        (EXAMPLE.replace("— q".encode(), b"- q"), "NOTE_FORM"),
        (EXAMPLE.replace("— q".encode(), "—  q".encode()), "NOTE_FORM"),
        (EXAMPLE.replace(b"\n\xe2\x80\x94", b"\n\n\n\xe2\x80\x94", 1).replace(b"=\n", b"=\n\n"), "NOTE_FORM"),
        (EXAMPLE.replace(b"quasimodo.", b"quasi+modo."), "NOTE_KEY_NAME"),
        (EXAMPLE.replace(b"tIc=", b"tId="), "NOTE_SIGNATURE"),  # the same bytes in another spelling
        (EXAMPLE.replace(b"tIc=", b"tIc"), "NOTE_SIGNATURE"),
        (EXAMPLE.replace(b"NnugSz", b"Nn*gSz"), "NOTE_SIGNATURE"),
        ("x\n\n— a AAAAAA==\n".encode(), "NOTE_SIGNATURE"),  # an id without a signature
        ("x\n\n— a é\n".encode(), "NOTE_SIGNATURE"),
        (b"x\n\n" + "— a AAAAAAE=\n".encode() * 49, "NOTE_SIGNATURE_COUNT"),
    ],
)
def test_what_is_no_note_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(MalformedError) as refused:
        read_note(data)
    assert refused.value.code == code


@pytest.mark.clause("C2SP signed-note Format")
def test_sixteen_signatures_are_accepted() -> None:
    assert len(read_note(b"x\n\n" + "— a AAAAAAE=\n".encode() * 16).signatures) == 16


@pytest.mark.parametrize(
    ("note", "code"),
    [
        (Note("no newline", ()), "NOTE_FORM"),
        (Note("bell\x07\n", ()), "NOTE_FORM"),
        (Note("x\n", (NoteSignature("a b", b"1234", b"x"),)), "NOTE_KEY_NAME"),
        (Note("x\n", (NoteSignature("a", b"123", b"x"),)), "NOTE_KEY_ID"),
    ],
)
def test_what_is_no_note_is_not_written(note: Note, code: str) -> None:
    with pytest.raises(MalformedError) as refused:
        write_note(note)
    assert refused.value.code == code


@pytest.mark.parametrize("name", ["", "a+b", "a b", "a\u00a0b", "a\u3000b", "a\nb", "a\x00b", "\ud800", "x" * 256])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(MalformedError):
        check_key_name(name)


@pytest.mark.parametrize("text", ["", "a+b", "a+0123456+AQ==", "a+0123456G+AQ==", "a b+01234567+AQ==", "a+01234567+AQ", "a+01234567+A*=="])
def test_verifier_keys_that_are_none(text: str) -> None:
    with pytest.raises(MalformedError):
        read_verifier_key(text)
