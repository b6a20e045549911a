"""Asking over HTTP whether a file is held by whom one has before one: both name and code, within limits, and never told back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from licence_vault.limits import HOLDER_CODE_CHARACTERS as CODE_CHARACTERS
from licence_vault.limits import NAME_CHARACTERS
from seal_service.limits import HOLDER_CODE_CHARACTERS, HOLDER_NAME_CHARACTERS
from tests.flows.test_first_thread import code

if TYPE_CHECKING:
    import httpx

    from tests.flows.served import Served


def test_a_file_that_does_not_say_who_holds_it_is_never_valid_for_a_holder(served: Served) -> None:
    content = Path(served.deployment.made["sealed_pdf"]).read_bytes()

    def verify(**fields: str) -> httpx.Response:
        return served.ask("POST", "/v1/verifications", files={"document": ("d", content)}, data=fields)

    assert (HOLDER_NAME_CHARACTERS, HOLDER_CODE_CHARACTERS) == (NAME_CHARACTERS, CODE_CHARACTERS), "as long as licences have them"
    longest = {"holder_name": "名" * 200, "holder_code": "9" * 64}
    answer = verify(**longest)
    (question,) = answer.json()["questions"]
    assert (answer.json()["verdict"], question["name"], question["verdict"]) == ("indeterminate", "holder", "indeterminate")
    assert [step["code"] for step in question["steps"]] == ["LICENCE_HOLDER_NOT_SAID"]
    for query in (longest, {"at": "2020-01-01T00:00:00Z"}, {"holder": "9"}):  # nor is one who asks in the address instead of the form
        misplaced = served.ask("POST", "/v1/verifications", files={"document": ("d", content)}, params=query)
        assert code(misplaced) == (422, "PARAMETER_UNKNOWN")
        assert not any(each in misplaced.text for each in ("名" * 9, "9" * 64, "2020-01"))
    for fields in (
        *({name: value} for name, value in longest.items()),
        *(longest | {name: value} for name in longest for value in ("", " \u3000")),
        longest | {"holder_name": "名" * 201},
        longest | {"holder_code": "9" * 65},
        {"holder_name": "", "holder_code": ""},  # whoever asks is not answered as if he had not
    ):
        refused = verify(**fields)
        assert code(refused) == (422, "FIELD_UNACCEPTABLE")
        assert not any(each in refused.text for each in ("名", "9" * 9))
