"""A number is verified by the proof of the name, and no longer than that stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.idp.test_accounts_api import office  # noqa: F401 - a fixture
from tests.idp.test_people_store import resident_number

if TYPE_CHECKING:
    from tests.idp.test_accounts_api import Office


def test_attack_a_number_stays_verified_for_whatever_name_comes_next(office: Office) -> None:  # noqa: F811
    """It was verified by the proof of this name; without it, it is one that is claimed."""
    number, other = (resident_number(f"9900001990030{serial}") for serial in ("7171", "7181"))
    verified = {"kind": "resident_id", "value": number, "verified_at": "2026-01-01T00:00:00Z"}
    made = office.make(name="测试丙", identifiers=[verified, {"kind": "login", "value": "keeps-number"}])
    path = f"/v1/accounts/{made['id']}"

    def prove(**more: Any) -> str:
        answer = office.call("POST", f"{path}/evidence", json={"method": "counter", "source": "Hall", "level": 3, **more})
        return str(answer.json()["evidence"][-1]["id"])

    def is_verified() -> bool:
        shown = office.call("GET", path).json()["identifiers"]
        return next(each["verified_at"] for each in shown if each["kind"] == "resident_id") is not None

    # 1. While it is proven, the number goes as little as the name; what stays as it is, and what is none, may be sent
    first, second = prove(), prove()
    login = {"kind": "login", "value": "keeps-another"}
    for identifiers in ([], [login], [{**verified, "value": other}, login], [{**verified, "kind": "passport"}, login]):
        answer = office.call("PATCH", path, json={"identifiers": identifiers})
        assert (answer.status_code, answer.json()["code"]) == (403, "ACCOUNT_PROVEN"), identifiers
    assert office.call("PATCH", path, json={"identifiers": [verified, login]}).status_code == 200
    # 2. With the last proof that is taken back goes what it verified
    office.call("DELETE", f"{path}/evidence/{first}")
    assert is_verified()
    taken = office.call("DELETE", f"{path}/evidence/{second}").json()
    assert [each["verified_at"] for each in taken["identifiers"]] == [None, None]
    assert not is_verified()
    assert office.call("PATCH", path, json={"name": "别人"}).status_code == 200
    third = prove()
    assert not is_verified()
    # 3. So it does with another name where the proof has run out
    office.call("DELETE", f"{path}/evidence/{third}")
    prove(verified_at="2026-01-01T00:00:00Z", expires_at="2026-01-02T00:00:00Z")
    assert office.call("PATCH", path, json={"identifiers": [verified]}).status_code == 200
    assert is_verified()
    assert office.call("PATCH", path, json={"name": "又一人", "identifiers": [verified]}).status_code == 200
    assert not is_verified()
