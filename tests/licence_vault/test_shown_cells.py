"""Days, times and texts of which the sheet shows a part alone, or something beside: refused with the cell, never read as what nobody saw."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import pytest

from tests.licence_vault.test_workbooks import cells, refusal, workbook

PARTS = "no days and times of which a part alone is shown, as 3月1日 for 3-1: show year, month and day, or make it a cell of text"
DAY, CLOCK, SPAN = datetime(2026, 5, 1), time(8, 30), timedelta(hours=30, minutes=5)


@pytest.mark.parametrize(
    ("number_format", "value"),
    [
        ('yyyy"年"m"月"', DAY),
        ('m"月"d"日"', DAY),
        ("mmm-yy", DAY),
        ("yyyy", DAY),
        ("yyyy/mmmmm/d", DAY),
        ("yyyy/mm/ddd", DAY),
        ("yyyy h:m d", DAY),  # these are minutes
        ('"至"yyyy-mm-dd', DAY),
        ("[$-130000]yyyy/m/d", DAY),  # by the moon
        ("[$-th-TH,D07]yyyy/m/d", DAY),
        ("[>0]yyyy/m/d", DAY),
        ("yyyy-mm-dd", DAY + timedelta(hours=12)),
        ("yyyy-mm-dd h", DAY + timedelta(hours=12, minutes=30)),
        ("yyyy-mm-dd h:mm:ss", DAY + timedelta(milliseconds=500)),
        ("mm:ss", CLOCK),
        ("h", CLOCK),
        ("yyyy-mm-dd h:mm", CLOCK),
        ("[h]", SPAN),
    ],
)
def test_a_day_or_time_of_which_a_part_alone_is_shown_is_refused(number_format: str, value: Any) -> None:
    def change(book: Any) -> None:
        book.active["B2"].number_format = number_format

    assert refusal(workbook(["a", "b"], ["1", value], change=change)) == {"rule": PARTS, "row": 1, "cell": "B2"}


@pytest.mark.parametrize(
    ("number_format", "value", "text"),
    [
        ("yyyy/m/d;@", DAY, "2026-05-01"),
        ('[$-804]yyyy"年"m"月"d"日";@', DAY, "2026-05-01"),
        ('[DBNum1][$-804]yyyy"年"m"月"d"日"', DAY, "2026-05-01"),
        ("[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", DAY, "2026-05-01"),
        ("[$-x-sysdate]dddd, mmmm dd, yyyy", DAY, "2026-05-01"),
        ("YYYY\\-MM\\-DD", DAY, "2026-05-01"),
        ("e/m/d", DAY, "2026-05-01"),
        ("yyyy-mm-dd h:mm AM/PM", DAY + timedelta(hours=12, minutes=30), "2026-05-01T12:30:00"),
        ('yyyy/m/d 上午/下午h"时"mm"分"', DAY + timedelta(hours=12, minutes=30), "2026-05-01T12:30:00"),
        ("h:mm", CLOCK, "08:30:00"),
        ("h:mm:ss.000", time(8, 30, 1, 500000), "08:30:01.500000"),
        ("[mm]:ss", SPAN, "30:05:00"),
        ("[h]:mm", SPAN, "30:05:00"),
    ],
)
def test_a_day_or_time_that_is_shown_whole_is_read(number_format: str, value: Any, text: str) -> None:
    def change(book: Any) -> None:
        book.active["B2"].number_format = number_format

    assert cells(workbook(["a", "b"], ["1", value], change=change)) == [{"a": "1", "b": text}]


@pytest.mark.parametrize("number_format", ['"川"@', '@"号"', ";;;", 'General;General;General;"示例"@', '0;0;0;"示例"'])
def test_a_text_that_is_shown_with_something_beside_it_is_refused(number_format: str) -> None:
    def change(book: Any) -> None:
        book.active["B2"].number_format = number_format

    assert refusal(workbook(["a", "b"], ["1", "A123"], change=change)) == {
        "rule": "no texts that are hidden, or shown with something beside them: write in the cell what is to be read",
        "row": 1,
        "cell": "B2",
    }


@pytest.mark.parametrize(
    "number_format", ["@", "0", "000000", "0%", "yyyy/m/d;@", "@ ", '0"元"', '_ * #,##0_ ;_ * \\-#,##0_ ;_ * "-"_ ;_ @_ ', '"@"0']
)
def test_a_text_under_a_format_of_numbers_is_read(number_format: str) -> None:
    def change(book: Any) -> None:
        book.active["B2"].number_format = number_format

    assert cells(workbook(["a", "b"], ["1", "A123"], change=change)) == [{"a": "1", "b": "A123"}]
