"""The demonstration document: one A4 page in Chinese and English, synthetic in every name and number."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

from service_kit.typefaces.cut import cut_face
from service_kit.typefaces.faces import brought_face

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

TRUE_AMOUNT: Final = "1,280.00"
FORGED_AMOUNT: Final = "91,280.00"
SEAL_KEYWORD: Final = "（盖章处）"  # where the seal belongs; unique in the text
ORGANISATION: Final = "呼伦贝尔市政务服务演示中心（样例）"

TITLE: Final = ("政务服务事项办结通知书", "Notice of Completion of a Government Service")
SAMPLE_NOTE: Final = ("演示文件，内容均为虚构，不具有法律效力", "Demonstration only. Everything is invented; no legal effect.")
FIELDS: Final = (
    ("编号", "Number", "YX-2026-0123456789"),
    ("申请单位", "Applicant", "草原乳业合作社（样例）"),
    ("事项名称", "Service", "食品经营许可变更"),
    ("办理结果", "Result", "准予变更"),
    ("奶业补助金额（元）", "Dairy subsidy (CNY)", None),  # the amount
)
BODY: Final = (
    "你单位提交的申请材料齐全，符合规定，现予办结。本通知书经电子签章后生效，",
    "任何改动都会使签章失效，可用 yinxin verify 命令或验证页面核验。",
    "Your application is complete and has been settled. This notice is sealed",
    "electronically: any change to it breaks the seal, as anyone can verify.",
)
_FACE: Final = "YinxinDemo"
_LEFT_PT: Final = 72.0
_VALUE_PT: Final = 300.0
_RIGHT_PT: Final = 523.0


def _characters() -> str:
    texts = [*TITLE, *SAMPLE_NOTE, *BODY, ORGANISATION, SEAL_KEYWORD, TRUE_AMOUNT, FORGED_AMOUNT]
    texts += [part for line in FIELDS for part in line if part]
    return "".join(sorted(set("".join(texts)) | {chr(code) for code in range(0x20, 0x7F)}))


def draw_document(amount: str = TRUE_AMOUNT) -> bytes:
    """The document as PDF bytes; the same bytes for the same amount. ``amount``: digits, comma and full stop only."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(TTFont(_FACE, BytesIO(cut_face(brought_face(), _characters()).truetype)))
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1, initialFontName=_FACE, lang="zh-CN")
    canvas.setTitle(f"{TITLE[0]} / {TITLE[1]}")
    canvas.setAuthor(ORGANISATION)
    _draw_page(canvas, A4, amount)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw_page(canvas: Canvas, size_pt: tuple[float, float], amount: str) -> None:
    width, height = size_pt
    canvas.setFont(_FACE, 9)
    canvas.setFillGray(0.45)
    canvas.drawCentredString(width / 2, height - 48, SAMPLE_NOTE[0])
    canvas.drawCentredString(width / 2, height - 61, SAMPLE_NOTE[1])
    canvas.setFillGray(0)
    canvas.setFont(_FACE, 24)
    canvas.drawCentredString(width / 2, height - 128, TITLE[0])
    canvas.setFont(_FACE, 13)
    canvas.drawCentredString(width / 2, height - 152, TITLE[1])

    y = height - 215
    canvas.setLineWidth(0.6)
    canvas.line(_LEFT_PT, y + 26, _RIGHT_PT, y + 26)
    for chinese, english, value in FIELDS:
        canvas.setFont(_FACE, 12)
        canvas.drawString(_LEFT_PT + 6, y + 6, chinese)
        canvas.setFont(_FACE, 8.5)
        canvas.drawString(_LEFT_PT + 6, y - 6, english)
        canvas.setFont(_FACE, 13)
        canvas.drawString(_VALUE_PT, y, amount if value is None else value)
        y -= 42
        canvas.line(_LEFT_PT, y + 26, _RIGHT_PT, y + 26)

    canvas.setFont(_FACE, 12)
    y -= 12
    for line in BODY:
        canvas.drawString(_LEFT_PT, y, line)
        y -= 22

    canvas.drawRightString(_RIGHT_PT, 190, ORGANISATION)
    canvas.drawRightString(_RIGHT_PT, 168, SEAL_KEYWORD)
