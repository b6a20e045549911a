"""In how many lines, and how large, a text is set on a face."""

from __future__ import annotations

from dataclasses import replace

import pytest

from licence_vault.faces.design import Align, TextPart
from licence_vault.faces.type_setting import MeasureBook, announce, fit_lines


@pytest.mark.parametrize(("characters", "lines"), [(8, [8]), (9, [9]), (10, [8, 2]), (17, [9, 8])])
def test_a_centred_text_stays_in_one_line_where_slightly_smaller_letters_do(characters: int, lines: list[int]) -> None:
    """The name of an authority, whose last character alone in a second line would lie under the seal."""
    part = TextPart(10, 20, 5, "{issuer.name}", 40, Align.CENTRE, lines=2)
    text = "示例市场监督管理局政务服务中心样例"[:characters]
    book = MeasureBook()
    announce(part, text, book)
    font = book.font(text, part.style)
    size, set_lines = fit_lines(part, text, font)
    assert [len(line) for line in set_lines] == lines
    assert size >= part.size_mm * 0.85
    if characters == 10:
        assert [len(line) for line in fit_lines(replace(part, align=Align.LEFT), text, font)[1]] == lines
