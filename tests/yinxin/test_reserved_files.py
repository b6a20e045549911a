"""A seal put on somebody's document makes no licence of it: the files by which licences are known are the vault's to have sealed."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pikepdf
import pytest

from seal_service import store
from seal_service.actions.grant_seal import GrantOrder, grant_seal_within
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.record_use import User
from seal_service.actions.seal_document import seal_document
from seal_service.actions.seal_order import SealOrder
from seal_service.model import UseState
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.syntax import Ref
from service_kit.callers import Caller
from standards.errors import TrustError
from tests.deployments import make_deployment, served_here
from tests.licence_vault.issuing_here import ISSUER, ISSUER_NAME
from tests.seal_service.pdf.tampering import append, body_of
from tests.yinxin.sealed_licences import STRANGER, drawn_ofd, drawn_pdf, seal_as_pdf
from tests.yinxin.test_permission_matrix import bearer
from yinxin.demo.document import draw_document
from yinxin.file_verdicts import HouseJudge
from yinxin.licence_links import DOCUMENT_TYPE, RESERVED_FILES, VAULT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.deployments import Here

MANAGER = Caller("cl_seals", "cl_seals", frozenset({"seal.manage"}))
CLERK = User("cl_clerk", "client:cl_clerk")
DRAWN: dict[str, Callable[[], bytes]] = {"pdf": drawn_pdf, "ofd": drawn_ofd}
GRANTS: dict[str, tuple[frozenset[str], str, bool]] = {
    "without limits": (frozenset(), "", False),
    "without limits, called a licence": (frozenset(), DOCUMENT_TYPE, False),
    "for two types, called the other": (frozenset({"notice", DOCUMENT_TYPE}), "notice", False),
    "for licences": (frozenset({DOCUMENT_TYPE}), DOCUMENT_TYPE, True),
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    with served_here(make_deployment(tmp_path_factory.mktemp("reserved") / "d", demo=True)) as served:
        bearer(served, CLERK.client_id, ("seal.use",))
        yield served


@pytest.fixture
def seal_id(here: Here) -> str:
    return make_seal(here.house.context, MANAGER, SealRequest(organisation=ISSUER_NAME, credit_code=ISSUER)).id


def sealed(here: Here, seal_id: str, document: bytes, document_type: str = "", user: User = CLERK) -> bytes:
    return seal_document(here.house.context, user, seal_id, SealOrder(document, document_type=document_type)).content


def states(here: Here, seal_id: str) -> list[UseState]:
    with here.house.context.database.read() as conn:
        return [each.state for each in store.list_uses_of_seal(conn, seal_id, after="", limit=9)]


@pytest.mark.parametrize("form", DRAWN)
@pytest.mark.parametrize("limits", GRANTS)
def test_attack_a_drawing_of_ones_own_with_the_files_of_a_licence_gets_no_seal(here: Here, seal_id: str, form: str, limits: str) -> None:
    types, called, is_sealed = GRANTS[limits]
    context, document = here.house.context, DRAWN[form]()
    grant = grant_seal_within(context, MANAGER, seal_id, GrantOrder(CLERK.client_id, document_types=types, uses_max=1), if_version=None)
    if is_sealed:
        found = HouseJudge().judge(sealed(here, seal_id, document, called), context.trust(), datetime.now(UTC)).sealed_files
        assert found is not None
        assert not RESERVED_FILES.names.isdisjoint(found), "it is what verifiers take for a licence"
        return
    with pytest.raises(TrustError) as refused:
        sealed(here, seal_id, document, called)
    assert refused.value.code == "DOCUMENT_FILES_RESERVED"
    assert refused.value.facts == {"file": "licence.json", "document_type": DOCUMENT_TYPE}
    assert states(here, seal_id) == [UseState.VOIDED]
    with context.database.read() as conn:
        assert [each.used for each in store.list_standing_grants(conn, seal_id, grant.holder)] == [0]
    assert sealed(here, seal_id, draw_document(), "notice" if types else "")


def attached_later(sealed: bytes) -> bytes:
    """A sealed document with the files of a licence put into it behind the seal."""
    with pikepdf.open(io.BytesIO(drawn_pdf())) as licence:
        content = bytes(licence.attachments["licence.json"].get_file().read_bytes())
    document = PdfDocument.open(sealed)
    root, first = document.trailer["Root"], document.size
    assert isinstance(root, Ref)
    names = b"<</EmbeddedFiles<</Names[(licence.json) %d 0 R]>>>>" % (first + 1)
    return append(
        sealed,
        {
            first: b"<</Type/EmbeddedFile/Length %d>>stream\n%s\nendstream" % (len(content), content),
            first + 1: b"<</Type/Filespec/F(licence.json)/UF(licence.json)/EF<</F %d 0 R>>>>" % first,
            root.number: body_of(sealed, root.number).rstrip().removesuffix(b">>") + b"/Names " + names + b">>",
        },
    )


def test_attack_an_earlier_signature_hides_no_files(here: Here, seal_id: str) -> None:
    """Over the files or in front of them: whoever verifies may not trust it, and then ours is the one that counts."""
    grant_seal_within(here.house.context, MANAGER, seal_id, GrantOrder(CLERK.client_id), if_version=None)
    over, before = seal_as_pdf(drawn_pdf(), STRANGER), attached_later(sealed(here, seal_id, draw_document()))
    for document, code in ((over, "DOCUMENT_FILES_RESERVED"), (before, "DOCUMENT_TAMPERED")):
        with pytest.raises(TrustError) as refused:
            sealed(here, seal_id, document)
        assert refused.value.code == code


def test_attack_an_operator_is_no_vault_either(here: Here, seal_id: str) -> None:
    with pytest.raises(TrustError) as refused:
        sealed(here, seal_id, drawn_pdf(), DOCUMENT_TYPE, User("operator:test", "operator:test", is_operator=True))
    assert refused.value.code == "DOCUMENT_FILES_RESERVED"


def test_the_vault_of_this_house_needs_no_type_in_its_grant(here: Here, seal_id: str) -> None:
    grant_seal_within(here.house.context, MANAGER, seal_id, GrantOrder(VAULT), if_version=None)
    assert sealed(here, seal_id, drawn_pdf(), DOCUMENT_TYPE, User(VAULT, "test", holder=VAULT))
