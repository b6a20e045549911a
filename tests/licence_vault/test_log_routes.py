"""The log and the status lists over HTTP, as strangers see them: no token, cacheable, verifiable."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from crypto.checkpoints import LogIdentity, LogVerifierKey, Receipt, verify_checkpoint, verify_receipt
from crypto.jose import read_jwks
from crypto.report import Verdict
from licence_vault.actions.count_log import count_log
from licence_vault.actions.publish_status_lists import publish_status_lists
from licence_vault.log.leaf import StatusListLeaf, read_leaf
from licence_vault.status.register import ORDER_KEY, StatusPlace, allot_place, set_status
from licence_vault.status.verify import verify_status
from standards import gbt33560_oids as oids
from standards.c2sp_tlog_tiles import read_bundle
from standards.ietf_status_list import CWT_MEDIA_TYPE, INVALID, JWT_MEDIA_TYPE
from tests.deployments import Here, served_here
from tests.licence_vault.vault_here import ISSUER, TYPE_CODE, VaultHere, leaf

if TYPE_CHECKING:
    from collections.abc import Iterator

DIGESTS = {"sm3": oids.SM3, "sha256": oids.SHA256}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """Served, with three entries, one list in which index 5 is revoked, and all of it under a checkpoint."""
    folder = tmp_path_factory.mktemp("served") / "d"
    with VaultHere.made(folder) as vault:
        vault.clock.at = datetime.now(UTC)
        at, database = vault.clock.at, vault.context.database
        secret = vault.context.keystore.open_secret(ORDER_KEY)
        vault.append(*(leaf(number) for number in range(3)))
        database.write(lambda connection: allot_place(connection, secret, at))
        database.write(lambda connection: set_status(connection, StatusPlace(1, 5), INVALID, at))
        publish_status_lists(vault.context)
        vault.append()
        count_log(vault.context, vault.log)
    with served_here(folder) as here:
        yield here


def identity(here: Here, tree: str) -> LogIdentity:
    view = next(each for each in here.http.get("/licences/log").json()["trees"] if each["name"] == tree)
    return LogIdentity(view["origin"], DIGESTS[tree], tuple(LogVerifierKey.from_text(key) for key in view["keys"]))


@pytest.mark.clause("C2SP tlog-tiles Parameters")
@pytest.mark.parametrize("tree", ["sm3", "sha256"])
def test_the_log_is_read_as_static_files(served: Here, tree: str) -> None:
    answer = served.http.get(f"/licences/{tree}/checkpoint")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["cache-control"] == "public, no-cache"
    result = verify_checkpoint(answer.content, identity(served, tree))
    assert result.verified is True
    assert result.checkpoint is not None
    assert result.checkpoint.size == 4
    bundle = served.http.get(f"/licences/{tree}/tile/entries/000.p/4")
    assert "immutable" in bundle.headers["cache-control"]
    assert bundle.headers["access-control-allow-origin"] == "*"
    assert [read_leaf(entry) for entry in read_bundle(bundle.content)][:3] == [leaf(number) for number in range(3)]
    assert len(served.http.get(f"/licences/{tree}/tile/0/000.p/4").content) == 4 * 32
    for path in (
        "tile/0/000",
        "tile/9/000.p/1",
        "checkpoint.cosigned",
        "tile/.x",
    ):
        assert served.http.get(f"/licences/{tree}/{path}").status_code == 404
    assert served.http.get("/licences/other/checkpoint").status_code in {404, 422}


def test_receipts_hold_in_both_trees_without_the_log(served: Here) -> None:
    answer = served.http.get("/licences/log/entries/1").json()
    assert {each["tree"] for each in answer["proofs"]} == set(DIGESTS)
    for each in answer["proofs"]:
        receipt = Receipt.from_text(answer["entry"].encode(), each["proof"].encode())
        assert verify_receipt(receipt, identity(served, each["tree"])).verified is True
    cose = served.http.get("/licences/log/entries/1/receipt.cose")
    assert cose.headers["content-type"].startswith("application/cose")
    assert cose.content[:1] == b"\xd2"
    assert served.http.get("/licences/log/entries/99/receipt.cose").status_code == 404
    assert served.http.get("/licences/log/entries/99").json()["code"] == "LOG_INDEX_UNKNOWN"
    assert len(served.http.get("/licences/log/consistency?older=2&newer=4&tree=sm3").json()["proof"]) == 1


def test_counts_are_public(served: Here) -> None:
    assert served.http.get("/licences/log/counts", params={"issuer": ISSUER}).json() == {
        "size": 4,
        "counts": [{"issuer": ISSUER, "type": TYPE_CODE, "event": "made", "entries": 3}],
    }


@pytest.mark.clause("IETF status-list-21 8.1", "IETF status-list-21 8.2")
@pytest.mark.parametrize("gm", [False, True])
@pytest.mark.parametrize("media_type", [JWT_MEDIA_TYPE, CWT_MEDIA_TYPE])
def test_a_status_list_is_fetched_once_and_verified(served: Here, media_type: str, gm: bool) -> None:
    path = "/licences/status/1" + ("/gm" if gm else "")
    answer = served.http.get(path, headers={"accept": media_type})
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"].startswith("public, max-age=")
    again = served.http.get(path, headers={"accept": media_type, "if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    keys = read_jwks(served.http.get(f"/licences/{'gm-' if gm else ''}status-keys").content, gm=gm)
    at = served.house.context.clock.now()
    uri = served.house.context.settings.base_url + "/licences/status/1"
    proved = served.http.get("/licences/status/1/receipt").json()
    published = read_leaf(proved["entry"].encode())
    assert isinstance(published, StatusListLeaf)
    assert published.digest.hex() == proved["digest"]
    for each in proved["proofs"]:
        receipt = Receipt.from_text(proved["entry"].encode(), each["proof"].encode())
        found = [
            verify_status(answer.content, list_uri=uri, index=index, keys=keys, at=at, receipt=receipt, log=identity(served, each["tree"]))
            for index in (4, 5)
        ]
        assert [(one.verdict, one.logged) for one in found] == [(Verdict.VALID, True), (Verdict.INVALID, True)]


def test_a_list_of_another_time_or_number_is_not_there(served: Here) -> None:
    for path in ("/licences/status/2", "/licences/status/1?time=1000", "/licences/status/1/receipt?time=1000"):
        assert served.http.get(path).json()["code"] == "STATUS_LIST_NOT_FOUND"
    assert served.http.get("/licences/status/0").status_code == 422
    now = int(served.house.context.clock.now().timestamp())
    assert served.http.get(f"/licences/status/1?time={now}").status_code == 200


def test_readiness_tells_of_the_log(served: Here) -> None:
    checks = {check.name: check for part in served.application._composition.parts for check in part.readiness}
    assert checks["licence_log"].run() == {"size": 4, "waiting": 0, "waiting_seconds": 0}
    assert checks["licence_tables"].run() == {"component": "licence"}
