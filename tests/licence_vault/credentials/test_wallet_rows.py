"""Rows of offers, credentials and questions on both databases: what counts once, counts once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from licence_vault.log_tables import PREFIX, metadata
from licence_vault.service import migrate
from licence_vault.store.credentials import (
    Intended,
    Offer,
    count_wrong_attempt,
    find_offer_by_code,
    find_offer_by_token,
    finish_credential,
    insert_intended,
    insert_offer,
    list_credentials,
    redeem_offer,
    void_credential,
)
from licence_vault.store.presentations import AskedQuestion, answer_question, find_question, insert_question
from service_kit.migrations import differences
from tests.licence_vault.credentials.wallets import AT
from tests.postgres import database, database_url  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from service_kit.database import Database

KEY = bytes(32)
LATER = AT + timedelta(minutes=5)


def test_what_counts_once(database: Database) -> None:  # noqa: F811 - the fixture
    migrate(database)
    assert differences(database, PREFIX, metadata) == []
    code, token = b"c" * 32, b"t" * 32
    offer = Offer("co_1", "lc_1", ("T.es256", "T.sm2"), b"x" * 32, 2, "client:counter", LATER, None, None)
    guessed = replace(offer, offer_id="co_0", attempts_left=1)
    database.write(lambda connection: insert_offer(connection, offer, code, AT, KEY))
    database.write(lambda connection: insert_offer(connection, guessed, b"g" * 32, AT, KEY))
    database.write(lambda connection: count_wrong_attempt(connection, "co_1"))
    # guesses that were under way at once are no more than there may be: the right one comes too late
    for _ in range(2):
        database.write(lambda connection: count_wrong_attempt(connection, "co_0"))
    assert not database.write(lambda connection: redeem_offer(connection, "co_0", b"0" * 32, AT, LATER, KEY))
    with database.read() as connection:
        assert find_offer_by_code(connection, b"g" * 32, KEY) == replace(guessed, attempts_left=0)
    # one redeems, whoever else tries
    with ThreadPoolExecutor(6) as pool:
        redeemed = list(
            pool.map(
                lambda number: database.write(lambda c: redeem_offer(c, "co_1", token[:-1] + b"%d" % number, AT, LATER, KEY)), range(6)
            )
        )
    assert redeemed.count(True) == 1
    kept = token[:-1] + b"%d" % redeemed.index(True)
    with database.read() as connection:
        found = find_offer_by_code(connection, code, KEY)
        assert found == replace(offer, attempts_left=1, redeemed_at=AT, token_expires_at=LATER)
        assert find_offer_by_token(connection, kept, KEY) == found
    # one credential per configuration stands, and a voided one makes room
    first = Intended("cr_1", "co_1", "lc_1", "T.es256", "h" * 43, "key-1", AT, LATER)
    assert database.write(lambda connection: insert_intended(connection, first))
    assert not database.write(lambda connection: insert_intended(connection, replace(first, credential_id="cr_2")))
    database.write(lambda connection: void_credential(connection, "cr_1"))
    assert not database.write(lambda connection: finish_credential(connection, "cr_1", bytes(32)))
    assert database.write(lambda connection: insert_intended(connection, replace(first, credential_id="cr_3")))
    assert database.write(lambda connection: finish_credential(connection, "cr_3", bytes(32)))
    with database.read() as connection:
        assert list_credentials(connection, "co_1") == [("cr_1", "T.es256", "void"), ("cr_3", "T.es256", "issued")]
    # one answer is taken
    asked = AskedQuestion("q", "counter", "client:counter", "测试", "[]", "nonce", b"s" * 32, AT, LATER)
    database.write(lambda connection: insert_question(connection, asked))
    with ThreadPoolExecutor(6) as pool:
        answered = list(pool.map(lambda _: database.write(lambda c: answer_question(c, "q", AT, "valid", b"sealed")), range(6)))
    assert answered.count(True) == 1
    with database.read() as connection:
        assert find_question(connection, "q") == replace(asked, answered_at=AT, verdict="valid", result_sealed=b"sealed")
