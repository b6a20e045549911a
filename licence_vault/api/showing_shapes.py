"""What goes over the wire about showing licences. Times RFC 3339 in UTC."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from licence_vault import limits
from licence_vault.api.use_shapes import LICENCE_EXAMPLE, OfficerAnswer, OfficerBody, Purpose, write_officer
from service_kit.request_shapes import RequestShape

if TYPE_CHECKING:
    from licence_vault.actions.scan_showing import SeenLicence
    from licence_vault.actions.show_licence import OwnShowing

_SHOWING_EXAMPLE: Final = "sh_5b6f0c7d8e9f0a1b2c3d4e5f"
_CODE_EXAMPLE: Final = "yxs_5b6f0c7d8e9f0a1b2c3d4e5f66c7f0f462eeedd9d1f2d46bdc10e4e2"
_OFFICER_EXAMPLE: Final[dict[str, Any]] = {"name": "李示例", "role": "窗口受理", "division": "示例区登记中心"}


class ShowBody(RequestShape):
    """Which licence is to be shown."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"licence": LICENCE_EXAMPLE}]})

    licence: Annotated[str, Field(pattern=r"^lc_[0-9a-f]{24}$", description="Identifier of the licence.")]


class OwnShowingAnswer(BaseModel):
    """A showing as whoever shows sees it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _SHOWING_EXAMPLE,
                    "licence": LICENCE_EXAMPLE,
                    "state": "open",
                    "is_over": False,
                    "ends_at": "2026-11-28T08:10:00Z",
                    "code": _CODE_EXAMPLE,
                    "code_seconds": 42,
                    "client": None,
                    "reason": None,
                    "officer": None,
                }
            ]
        }
    )

    id: str
    licence: str
    state: Annotated[str, Field(description="open, scanned, agreed, seen, ended.")]
    is_over: bool
    ends_at: datetime
    code: Annotated[str | None, Field(description="For the screen, as a code to scan; null once it was scanned or is over.")]
    code_seconds: Annotated[int, Field(description="Until the code changes.")]
    client: Annotated[str | None, Field(description="The system that scanned it.")]
    reason: str | None
    officer: Annotated[OfficerAnswer | None, Field(description="For whom that system scanned it.")]


class OwnShowingList(BaseModel):
    """Showings that are not over, the one begun last first."""

    showings: list[OwnShowingAnswer]


class ScanBody(RequestShape):
    """What was scanned from the holder's screen, and why."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"code": _CODE_EXAMPLE, "reason": "办理变更登记", "officer": _OFFICER_EXAMPLE}]}
    )

    code: Annotated[str, Field(min_length=1, max_length=limits.SCREEN_CODE_CHARACTERS)]
    reason: Purpose
    officer: OfficerBody | None = None


class SeenAnswer(BaseModel):
    """What is shown of a licence: masked until the holder agreed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _SHOWING_EXAMPLE,
                    "state": "scanned",
                    "ends_at": "2026-11-28T08:10:00Z",
                    "is_whole": False,
                    "data": {"name": "食品经营许可证", "holders": [{"name": "示****", "code": "9****8", "code_type": "001"}]},
                }
            ]
        }
    )

    id: str
    state: str
    ends_at: datetime
    is_whole: bool
    data: dict[str, Any]


def write_own_showing(view: OwnShowing) -> OwnShowingAnswer:
    """As whoever shows sees it."""
    showing, officer = view.showing, view.officer
    return OwnShowingAnswer(
        id=showing.id,
        licence=showing.licence_id,
        state=showing.state.value,
        is_over=view.is_over,
        ends_at=showing.ends_at,
        code=view.code,
        code_seconds=view.code_seconds,
        client=showing.client,
        reason=showing.reason,
        officer=write_officer(officer),
    )


def write_seen(seen: SeenLicence) -> SeenAnswer:
    """As the system that scanned it sees it."""
    showing = seen.showing
    return SeenAnswer(id=showing.id, state=showing.state.value, ends_at=showing.ends_at, is_whole=seen.is_whole, data=seen.data)
