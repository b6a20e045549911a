"""With millions of licences every look-up goes along the index that leads to few rows: the database is asked for its plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from licence_vault import service
from licence_vault.model import LicenceState
from licence_vault.store.licences import licences_query
from service_kit.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOTHING: dict[str, Any] = {"type_code": None, "state": None, "number_digest": None, "holder_digests": None}
FILTERS = [{}, {"type_code": "t" * 21}, {"state": LicenceState.ISSUED}, {"type_code": "t" * 21, "state": LicenceState.ISSUED}]


@pytest.fixture(scope="module", name="database")
def database_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder: Path = tmp_path_factory.mktemp("plans")
    database = Database(f"sqlite:///{folder / 'plans.db'}")
    service.migrate(database)
    yield database
    database.close()


def plan(database: Database, **wish: Any) -> str:
    query = licences_query(**{"issuer_codes": ["i" * 18, "j" * 18], "after": "lc_5", **NOTHING, **wish}).limit(50)
    with database.read() as connection:
        compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
        return "\n".join(str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}"))


@pytest.mark.parametrize("others", FILTERS, ids=lambda each: "-".join(each) or "alone")
@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({"number_digest": b"n" * 32}, "number_digest=?"),
        ({"holder_digests": frozenset({b"h" * 32, b"g" * 32})}, "code_digest=?"),
    ],
    ids=["number", "holder"],
)
def test_who_has_few_licences_is_found_among_many(database: Database, wanted: dict[str, bytes], index: str, others: dict[str, Any]) -> None:
    found = plan(database, **wanted, **others)
    assert index in found
    assert "SCAN licence_licences" not in found
    assert "issuer_code" not in found  # an authority has millions
    assert "id>?" not in found


@pytest.mark.parametrize("after", ["", "lc_5"], ids=["first", "further"])
@pytest.mark.parametrize("is_newest_first", [False, True], ids=["oldest", "newest"])
@pytest.mark.parametrize("others", FILTERS, ids=lambda each: "-".join(each) or "alone")
def test_a_page_goes_along_an_index_of_its_authority(
    database: Database, others: dict[str, Any], after: str, *, is_newest_first: bool
) -> None:
    found = plan(database, issuer_codes=["i" * 18], after=after, is_newest_first=is_newest_first, **others)
    assert "issuer_code=?" in found
    assert "TEMP B-TREE" not in found
