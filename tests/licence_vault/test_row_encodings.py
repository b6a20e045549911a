"""CSV whose bytes may be read as another text than was written, or whose codes an office program has cut: refused, never guessed."""

from __future__ import annotations

import codecs

import pytest

from licence_vault.row_files import RowForm, read_rows
from standards.errors import TrustError


@pytest.mark.parametrize("bad", [b"\xe5\xbc", b"\xff"])
def test_one_damaged_text_does_not_make_other_names_of_all(bad: bytes) -> None:
    """Nearly any bytes are some text in GB 18030: 张三 would have come as 寮犱笁, and been sealed so."""
    data = "holder_name,address\n张三,示例路\n李四,".encode() + bad + b",\n"
    with pytest.raises(TrustError, match="LICENCE_ROW_FILE_UNACCEPTABLE") as raised:
        list(read_rows(data, RowForm.CSV))
    assert raised.value.facts == {"rule": "UTF-8 throughout: line 3 has bytes that are none", "row": 0}
    with pytest.raises(TrustError, match="UTF-8 throughout: line 2"):
        list(read_rows(codecs.BOM_UTF8 + b"a\n\xd5\xc5", RowForm.CSV))


def test_a_text_of_two_readings_is_not_guessed() -> None:
    """肖谢 in GB 18030 is Фл in UTF-8, byte for byte."""
    data = "holder_name\r\n肖谢\r\n".encode("gb18030")
    with pytest.raises(TrustError, match="another one in GB 18030 than in UTF-8"):
        list(read_rows(data, RowForm.CSV))
    for plain in ("holder_name\r\nФл\r\n".encode("utf-8-sig"), "holder_name,地址\r\nФл,\r\n".encode()):
        assert next(read_rows(plain, RowForm.CSV)).cells == {"holder_name": "Фл"}
    assert next(read_rows("持证主体\r\n肖谢\r\n".encode("gb18030"), RowForm.CSV)).cells == {"持证主体": "肖谢"}


@pytest.mark.parametrize("code", ["110105194912310000", "-1000000000000000"])
def test_the_digits_of_a_code_that_an_office_program_made_zeros_of(code: str) -> None:
    """Of eleven such identity numbers the check character of one fits."""
    with pytest.raises(TrustError, match="as office programs leave of a code") as raised:
        list(read_rows(f"a\r\ngood\r\n{code}\r\n".encode(), RowForm.CSV))
    assert raised.value.facts["row"] == 2
    [row] = read_rows(b"a,b\r\n110105194912310010,100000000000000\r\n", RowForm.CSV)
    assert row.cells == {"a": "110105194912310010", "b": "100000000000000"}
