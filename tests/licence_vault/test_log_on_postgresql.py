"""The same log and lists on PostgreSQL, where transactions run side by side: nothing doubled, nothing lost, nothing waits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from licence_vault.actions.count_log import count_log, find_counts
from licence_vault.actions.find_status_lists import find_edition
from licence_vault.actions.publish_status_lists import publish_status_lists
from licence_vault.log.entries import append_leaf
from licence_vault.log_tables import PREFIX
from licence_vault.service import migrate
from licence_vault.status.register import ORDER_KEY, StatusPlace, allot_place, set_status
from service_kit.log_check import check_log
from service_kit.migrations import is_current, migrate_kit
from tests.licence_vault.vault_here import VaultHere, leaf
from tests.postgres import postgres_url

if TYPE_CHECKING:
    from pathlib import Path


def test_sixteen_issue_while_two_publish(tmp_path: Path) -> None:
    with VaultHere.made(tmp_path / "d", database_url=postgres_url()) as vault:
        database = vault.context.database
        migrate_kit(database)
        migrate(database)
        assert is_current(database, PREFIX, "licence_vault.migrations")
        secret = vault.context.keystore.open_secret(ORDER_KEY)

        def issue(number: int) -> StatusPlace:
            place = database.write(lambda connection: allot_place(connection, secret, vault.clock.at))
            database.write(lambda connection: append_leaf(connection, leaf(number)))
            database.write(lambda connection: set_status(connection, place, number % 4, vault.clock.at))
            return place

        with ThreadPoolExecutor(16) as pool:
            places = list(pool.map(issue, range(64)))
            assert len(set(places)) == 64
            published = sum(pool.map(lambda _: publish_status_lists(vault.context), range(2)))
        assert published >= 1
        assert find_edition(vault.context, 1, None)[0].number == 1
        while vault.log.run_once():
            continue
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(lambda _: count_log(vault.context, vault.log), range(4))) == {65}
        assert sum(each.entries for each in find_counts(vault.context, None)[1]) == 64
        report = check_log(vault.log)
        assert (report.findings, report.entries) == ([], 65)
