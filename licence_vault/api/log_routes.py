"""The public log over HTTP: its files as C2SP tlog-tiles lays them out, receipts, proofs and counts. For everyone, without a token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field
from starlette.responses import FileResponse

from licence_vault.actions.count_log import find_counts
from licence_vault.errors import log_file_not_found
from licence_vault.log.instance import SHA256_KEY, key_ring, trusted_logs
from licence_vault.log.receipts import cose_receipt
from service_kit.composition import public
from service_kit.log_files import COSIGNED_PATH
from service_kit.row_values import POSITION_MAX
from standards.c2sp_tlog_tiles import CHECKPOINT_PATH

if TYPE_CHECKING:
    from service_kit.composition import ServiceContext
    from service_kit.transparency_log import TransparencyLog

_TAGS: Final[list[Any]] = ["licence log"]
PREFIX: Final = "/licences"
IMMUTABLE: Final = "public, max-age=31536000, immutable"
NEWEST: Final = "public, no-cache"  # may be kept, but is asked for each time
COSE_MEDIA_TYPE: Final = 'application/cose; cose-type="cose-sign1"'
_TEXT: Final = "text/plain; charset=utf-8"
_OPEN: Final = "anyone may follow the log; its entries hold no personal data"

Tree = Annotated[str, Path(pattern=r"^(sm3|sha256)$", description="`sm3` (SM2-signed) or `sha256` (Ed25519-signed).", examples=["sha256"])]
Index = Annotated[int, Path(ge=0, le=2**53 - 1, description="Index of the entry in the log.", examples=[0])]


class TreeView(BaseModel):
    """One tree over the entries."""

    name: str = Field(examples=["sha256"])
    origin: str = Field(description="The first line of its checkpoints.", examples=["trust.example.org/licences/sha256"])
    keys: list[str] = Field(description="Keys that sign its checkpoints, or did, in the form of C2SP signed-note; none that was withdrawn.")
    checkpoint: str = Field(description="The newest signed checkpoint; empty where there is no entry yet.")


class LogView(BaseModel):
    """What a stranger needs to follow the log. Compare the keys with those obtained elsewhere."""

    size: int = Field(description="Entries under the newest checkpoint.")
    trees: list[TreeView]


class ProofView(BaseModel):
    """The proof in one tree."""

    tree: str = Field(examples=["sm3"])
    proof: str = Field(description="Index, hashes and checkpoint (C2SP tlog-proof).")


class ReceiptView(BaseModel):
    """An entry with its proof in each tree."""

    index: int
    entry: str = Field(description="The entry's bytes, UTF-8 JSON: the leaf.")
    proofs: list[ProofView]


class ConsistencyView(BaseModel):
    """That the tree of ``older`` entries is a prefix of that of ``newer``."""

    tree: str
    older: int
    newer: int
    proof: list[str] = Field(description="Hashes in hexadecimal (RFC 6962 2.1.2).")


class CountView(BaseModel):
    """How many entries of one kind the log has."""

    issuer: str = Field(examples=["11430000006122244L"])
    type: str = Field(examples=["11100000000013338W011"])
    event: str = Field(examples=["issued"])
    entries: int


class CountsView(BaseModel):
    """Counts over the first ``size`` entries: anyone can make the same from the entry bundles."""

    size: int
    counts: list[CountView]


def add_log_routes(router: APIRouter, context: ServiceContext, log: TransparencyLog) -> None:
    """Add them to the service's router."""

    def text_file(tree: str, name: str) -> Response:
        path = log.files.public_file(f"{tree}/{name}")
        if path is None:
            raise log_file_not_found()
        return Response(path.read_bytes(), media_type=_TEXT, headers={"cache-control": NEWEST, "access-control-allow-origin": "*"})

    text: dict[int | str, dict[str, Any]] = {
        200: {"description": "Signed note.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    }

    @router.get(
        PREFIX + "/{tree}/" + CHECKPOINT_PATH,
        name="read_licence_checkpoint",
        summary="The newest signed checkpoint of a tree",
        response_class=Response,
        responses=text,
        tags=_TAGS,
    )
    @public(_OPEN)
    def read_checkpoint(tree: Tree) -> Response:
        return text_file(tree, CHECKPOINT_PATH)

    @router.get(
        PREFIX + "/{tree}/" + COSIGNED_PATH,
        name="read_licence_cosigned_checkpoint",
        summary="The newest checkpoint of a tree that witnesses have cosigned",
        response_class=Response,
        responses=text,
        tags=_TAGS,
    )
    @public(_OPEN)
    def read_cosigned(tree: Tree) -> Response:
        return text_file(tree, COSIGNED_PATH)

    @router.get(
        PREFIX + "/{tree}/tile/{path:path}",
        name="read_licence_tile",
        summary="A tile or an entry bundle",
        description="As C2SP tlog-tiles names them: `tile/<level>/<index>[.p/<width>]`, `tile/entries/<index>[.p/<width>]`.",
        response_class=Response,
        responses={
            200: {
                "description": "Immutable bytes.",
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            }
        },
        tags=_TAGS,
    )
    @public(_OPEN)
    def read_tile(tree: Tree, path: Annotated[str, Path(max_length=80, examples=["0/000.p/1"])]) -> Response:
        found = log.files.public_file(f"{tree}/tile/{path}")
        if found is None:
            raise log_file_not_found()
        headers = {"cache-control": IMMUTABLE, "access-control-allow-origin": "*"}
        return FileResponse(found, media_type="application/octet-stream", headers=headers)

    @router.get(PREFIX + "/log", name="read_licence_log", summary="The log's trees, keys and newest checkpoints", tags=_TAGS)
    @public(_OPEN)
    def read_log(response: Response) -> LogView:
        head = log.head()
        response.headers["cache-control"] = NEWEST
        believed = {each.identity.origin: each.believed().keys for each in trusted_logs(context)}
        trees = [
            TreeView(
                name=tree.name,
                origin=tree.origin,
                keys=[key.to_text() for key in believed[tree.origin]],
                checkpoint=head.checkpoints.get(tree.name, b"").decode(),
            )
            for tree in log.trees
        ]
        return LogView(size=head.size, trees=trees)

    @router.get(PREFIX + "/log/entries/{index}", name="read_licence_receipt", summary="An entry and its proof in both trees", tags=_TAGS)
    @public(_OPEN)
    def read_receipt(index: Index, response: Response) -> ReceiptView:
        receipts = [(tree.name, log.receipt_at(index, tree.name)) for tree in log.trees]
        response.headers["cache-control"] = NEWEST
        proofs = [ProofView(tree=name, proof=receipt.to_text().decode()) for name, receipt in receipts]
        return ReceiptView(index=index, entry=receipts[0][1].entry.decode(), proofs=proofs)

    @router.get(
        PREFIX + "/log/entries/{index}/receipt.cose",
        name="read_licence_cose_receipt",
        summary="The proof in the SHA-256 tree as a COSE receipt (RFC 9942)",
        response_class=Response,
        responses={
            200: {
                "description": "COSE_Sign1, the root detached.",
                "content": {COSE_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
            }
        },
        tags=_TAGS,
    )
    @public(_OPEN)
    def read_cose_receipt(index: Index) -> Response:
        key_ids = [each.key_id for each in key_ring(context, SHA256_KEY, context.clock.now())]
        written = cose_receipt(log, context.keystore, index, key_ids)
        return Response(written, media_type=COSE_MEDIA_TYPE, headers={"cache-control": NEWEST, "access-control-allow-origin": "*"})

    @router.get(
        PREFIX + "/log/consistency", name="read_licence_consistency", summary="Prove that a later log extends an earlier one", tags=_TAGS
    )
    @public(_OPEN)
    def read_consistency(
        older: Annotated[int, Query(ge=1, le=POSITION_MAX)],
        newer: Annotated[int, Query(ge=1, le=POSITION_MAX)],
        tree: Annotated[str, Query(pattern=r"^(sm3|sha256)$")] = "sha256",
    ) -> ConsistencyView:
        proof = log.consistency_proof(older, newer, tree)
        return ConsistencyView(tree=tree, older=older, newer=newer, proof=[each.hex() for each in proof])

    @router.get(
        PREFIX + "/log/counts", name="read_licence_counts", summary="How many entries of which event an issuer has, by type", tags=_TAGS
    )
    @public("departments compare it with their own books; it says nothing of people")
    def read_counts(
        response: Response,
        issuer: Annotated[str, Query(pattern=r"^[0-9A-Z]{18}$", description="Credit code of the issuer.", examples=["11430000006122244L"])],
    ) -> CountsView:
        size, counts = find_counts(context, issuer)
        response.headers["cache-control"] = NEWEST
        views = [CountView(issuer=each.issuer_code, type=each.type_code, event=each.event, entries=each.entries) for each in counts]
        return CountsView(size=size, counts=views)
