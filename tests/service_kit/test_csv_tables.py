"""CSV for spreadsheets: what they read is what was written, and nothing of it is run."""

from __future__ import annotations

import csv
import io

import pytest

from service_kit.csv_tables import write_rows


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_what_a_spreadsheet_would_run_is_shown(begin: str) -> None:
    cell = begin + '1+cmd|"/c calc"!A1'
    (read,) = csv.reader(io.StringIO(write_rows([[cell, "x"]]).decode(), newline=""))
    assert read == ["'" + cell, "x"]


def test_everything_else_stays_as_it_is() -> None:
    rows = [["甲,乙", 'says "no"', "two\nlines", "", "a=b"], ["'", " =1", "1-2", "#", "0"]]
    written = write_rows(rows)
    assert written.count(b"\r\n") == 2
    assert list(csv.reader(io.StringIO(written.decode(), newline=""))) == rows
