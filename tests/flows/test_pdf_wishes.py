"""What can be asked of a PDF seal over HTTP: places, riding seam, fields, certification, locks, levels."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.deployments import yinxin
from tests.flows.test_first_thread import code, document
from tests.seal_service.pdf.documents import reportlab_document
from tests.seal_service.pdf.sealing import signatures
from yinxin.demo.forgery import forge_amount

if TYPE_CHECKING:
    import httpx

    from tests.flows.served import Served


def ask(client: httpx.Client, seal_id: str, content: bytes, placement: dict[str, Any], **fields: str) -> httpx.Response:
    data = {"placement": json.dumps(placement), **fields}
    return client.post(f"/v1/seals/{seal_id}/signatures", files={"document": ("d.pdf", content)}, data=data)


def test_places_seam_lock_and_certification(served: Served) -> None:
    wishes = {
        "places": [{"page": 1, "x_mm": 60, "y_mm": 60}, {"page": -1, "x_mm": 100, "y_mm": 60, "width_mm": 30}],
        "seam": {"edge": "right", "pages": "1-4", "pages_per_seal": 2, "offset_mm": 150},
        "opacity": 0.7,
        "certify": 2,
        "lock": {"all_but": ["Countersign"]},
    }
    with served.client() as client:
        seal_id = served.deployment.made["seal_id"]
        sealed = ask(client, seal_id, reportlab_document(5), wishes)
        assert sealed.status_code == 200, sealed.text
        assert "seal-warnings" not in sealed.headers
        (signature,) = signatures(sealed.content).values()
        assert [each["/TransformMethod"] for each in signature["/Reference"]] == ["/DocMDP", "/FieldMDP"]
        refused = ask(client, seal_id, sealed.content, {"page": 1, "x_mm": 150, "y_mm": 60})
        assert code(refused) == (422, "PDF_CERTIFIED_NO_NEW_FIELD")


def test_a_seam_on_one_page_is_said_to_be_skipped(served: Served) -> None:
    with served.client() as client:
        answer = ask(client, served.deployment.made["seal_id"], document(served), {"seam": {}})
        assert (answer.status_code, answer.headers["seal-warnings"]) == (200, "SEAM_SKIPPED")


def test_every_occurrence_of_a_keyword(served: Served) -> None:
    with served.client() as client:
        answer = ask(client, served.deployment.made["seal_id"], reportlab_document(3), {"keyword": "HERE", "occurrence": "every"})
        assert answer.status_code == 200, answer.text
        assert answer.content.count(b"/Subtype /Widget") == 3


@pytest.mark.parametrize(
    ("placement", "fields", "expected"),
    [
        ({"lock": {}}, {}, "FIELD_UNACCEPTABLE"),
        ({"lock": {"fields": ["a"], "all_but": ["b"]}}, {}, "FIELD_UNACCEPTABLE"),
        ({"certify": 4}, {}, "FIELD_UNACCEPTABLE"),
        ({"seam": {"edge": "middle"}}, {}, "FIELD_UNACCEPTABLE"),
        ({"seam": {"pages": "9"}}, {}, "PAGE_NOT_FOUND"),
        ({"seam": {"pages": "1"}}, {}, "SEAM_TOO_SHORT"),
        ({}, {"level": "B-X"}, "FIELD_UNACCEPTABLE"),
        ({}, {"level": "B-B", "timestamp": "true"}, "FIELD_UNACCEPTABLE"),
        ({}, {"level": "B-T", "timestamp": "false"}, "FIELD_UNACCEPTABLE"),
    ],
)
def test_wishes_against_a_rule_are_refused(served: Served, placement: dict[str, Any], fields: dict[str, str], expected: str) -> None:
    with served.client() as client:
        assert code(ask(client, served.deployment.made["seal_id"], reportlab_document(3), placement, **fields)) == (422, expected)


def test_prepared_fields_are_sealed_by_name_and_carried_on(served: Served) -> None:
    wishes = {
        "fields": [
            {"name": "Approval", "page": 1, "x_mm": 60, "y_mm": 60, "lock": {"fields": ["Other"]}},
            {"page": 1, "x_mm": 150, "y_mm": 60, "width_mm": 30, "height_mm": 20, "lock": {"all_but": ["Approval"]}},
            {"name": "Last", "page": -1, "x_mm": 150, "y_mm": 150, "lock": True},
        ]
    }
    with served.client() as client:
        prepared = client.post("/v1/documents/fields", files={"document": document(served)}, data={"fields": json.dumps(wishes)})
        assert prepared.status_code == 200, prepared.text
        assert prepared.content.startswith(document(served))
        seal_id = served.deployment.made["seal_id"]
        sealed = ask(client, seal_id, prepared.content, {"field": "Approval"}, level="B-LTA")
        assert sealed.status_code == 200, sealed.text
        assert set(signatures(sealed.content)) == {"Approval", "Timestamp1"}
        taken = ask(client, seal_id, prepared.content, {"field": "Approval", "page": 1, "x_mm": 60, "y_mm": 60})
        assert code(taken) == (422, "PLACEMENT_UNCLEAR")
        extended = client.post("/v1/documents/extensions", files={"document": sealed.content})
        assert extended.status_code == 200, extended.text
        assert set(signatures(extended.content)) == {"Approval", "Timestamp1", "Timestamp2"}
        assert client.get(f"/v1/audit/entries/{extended.headers['audit-entry']}").status_code in {200, 403}
        last = ask(client, seal_id, extended.content, {"field": "Last"})
        assert last.status_code == 200, last.text
        verified = client.post("/v1/verifications", files={"document": last.content}).json()
        assert (verified["verdict"], verified["tampered"]) == ("valid", False)
        assert code(ask(client, seal_id, last.content, {"page": 1, "x_mm": 100, "y_mm": 200})) == (422, "PDF_FIELD_LOCKED")


@pytest.mark.parametrize(
    "fields", ["", "{}", '{"fields": []}', '{"fields": [{"page": 1}]}', '{"fields": [{"page": 1, "x_mm": 60, "y_mm": 60, "lock": {}}]}']
)
def test_fields_against_a_rule_are_refused(served: Served, fields: str) -> None:
    with served.client() as client:
        answer = client.post("/v1/documents/fields", files={"document": document(served)}, data={"fields": fields})
        assert code(answer) == (422, "FIELD_UNACCEPTABLE")


def test_only_what_is_sealed_is_carried_on(served: Served) -> None:
    with served.client() as client:
        assert code(client.post("/v1/documents/extensions", files={"document": document(served)})) == (422, "DOCUMENT_NOT_EXTENDABLE")
        assert code(client.post("/v1/documents/extensions", files={"crl": b"x"})) == (422, "DOCUMENT_MISSING")


def test_what_changed_is_shown_and_what_was_sealed_given_back(served: Served) -> None:
    content = Path(served.deployment.made["sealed_pdf"]).read_bytes()
    forged = forge_amount(content)
    with served.client() as client:
        shown = client.post("/v1/verifications/changes", files={"document": forged})
        assert shown.status_code == 200, shown.text
        answer = shown.json()
        assert answer["tampered"] is True
        assert [page["kind"] for page in answer["pages"]] == ["changed"]
        assert base64.b64decode(answer["pages"][0]["mask"]).startswith(b"\x89PNG")
        assert answer["steps"]
        assert client.post("/v1/verifications/sealed-revision", files={"document": forged}).content == content
        lost = client.post("/v1/verifications/sealed-revision", files={"document": document(served)})
        assert code(lost) == (422, "SEALED_REVISION_LOST")
        assert code(client.post("/v1/verifications/changes", files={"document": b"PK"})) == (422, "DOCUMENT_NOT_EXTENDABLE")


def test_the_command_line_shows_changes_too(served: Served, tmp_path: Path) -> None:
    file = tmp_path / "forged.pdf"
    content = Path(served.deployment.made["sealed_pdf"]).read_bytes()
    file.write_bytes(forge_amount(content))
    ended = yinxin("changes", str(file), "--out", str(tmp_path / "out"), "--json", check=False)
    assert ended.returncode == 1, ended.stderr
    assert (tmp_path / "out" / "sealed-revision.pdf").read_bytes() == content
    assert json.loads(ended.stdout)["pages"][0]["page"] == 1
    assert (tmp_path / "out" / "page-1-mask.png").is_file()
    file.write_bytes(content)
    assert yinxin("changes", str(file), "--out", str(tmp_path / "out"), check=False).returncode == 0
    file.write_bytes(document(served))
    assert yinxin("changes", str(file), "--out", str(tmp_path / "out"), check=False).returncode == 64
