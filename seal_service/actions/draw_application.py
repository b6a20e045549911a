"""The picture that is applied for, drawn as it will be made: what a reviewer looks at is what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal_service import limits, store
from seal_service.actions.apply_for_seal import changed_seal, seal_of_application
from seal_service.actions.find_applications import find_application
from seal_service.actions.find_seals import draw_picture
from seal_service.errors import picture_not_here, seal_not_found
from seal_service.model import ApplicationKind

if TYPE_CHECKING:
    from seal_service.pictures.outline import SealPicture
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

_DIVISION: slice = slice(2, 8)  # of a credit code (GB 32100): that of its authority


def draw_application(context: ServiceContext, caller: Caller, application_id: str) -> SealPicture:
    """The picture, of a new seal with zeros for the number it does not have yet. APPLICATION_NOT_FOUND, SEAL_PICTURE_NOT_HERE for one from elsewhere."""
    application, _ = find_application(context, caller, application_id)
    if application.kind is ApplicationKind.IMPORT:
        raise picture_not_here(application_id)
    if application.kind is ApplicationKind.NEW:
        division = application.division or application.credit_code[_DIVISION]
        code = division + "0" * limits.SERIAL_DIGITS
        return draw_picture(seal_of_application(application, seal_id="", code=code, made_by="", at=context.clock.now()))
    with context.database.read() as conn:
        seal = store.load_seal(conn, str(application.seal_id))
    if seal is None:
        raise seal_not_found(str(application.seal_id))
    return draw_picture(changed_seal(seal, application))
