"""Entries in the error catalogue on annotated copies of licences, and on licences that are shown."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

_ID: Final = ("Check the identifier; departments see what is theirs.", "请核对标识；各部门只能看到本部门的内容。")
_AGAIN: Final = ("An address serves one download within ten minutes; have another made.", "每个地址十分钟内仅可下载一次，请重新获取。")
_SCREEN: Final = (
    "Ask the holder to show the code that is on the screen now, or to begin anew.",
    "请持证人出示当前屏幕上的亮证码，或重新发起亮证。",
)
_ROWS: Final = (
    ("LICENCE_COPY_NOT_FOUND", "Copy not found", "未找到加注件", "There is no such annotated copy, or it is one of a licence that is none of the caller's.", "没有此加注件，或调用方无权使用其证照。", *_ID),
    ("LICENCE_COPY_ABANDONED", "Copy given up", "加注件制作已放弃", "The making of this copy was given up, and nothing left the house; the facts name the cause.", "该加注件的制作已放弃，未发出任何文件；facts 给出原因。", "Remove the cause and have another copy made.", "请排除原因后重新制作。"),
    ("LICENCE_COPY_OVER", "Copy's time is over", "加注件已过期", "The time for which the copy was made is over.", "该加注件的有效期已过。", "Have another copy made.", "请重新制作加注件。"),
    ("LICENCE_DOWNLOAD_GONE", "Address not usable", "下载地址不可用", "There is no such address, it was used, its time is over, it was made for another client, or what it was given by has ended.", "没有此下载地址，或已使用、已过期、属于其他应用，或其所依据的权限、委托已终止。", "An address serves one download within ten minutes; have another made.", "每个地址十分钟内仅可下载一次，请重新获取。"),
    ("LICENCE_SHOWING_UNKNOWN", "Code not valid", "亮证码无效", "There is no such showing or code, its time is over, or it is somebody else's.", "没有此亮证或亮证码，或已过期、已结束、属于他人。", "Ask the holder to show the code that is on the screen now, or to begin anew.", "请持证人出示当前屏幕上的亮证码，或重新发起亮证。"),
    ("LICENCE_SHOWING_STATE_CONFLICT", "Step not allowed now", "当前不能进行此操作", "The showing takes no such step in its present state: the holder has to agree first, and what was agreed to is seen once.", "亮证在当前状态下不能进行此操作：须持证人先确认，确认后仅可查看一次。", "Look at the showing; begin anew where it was seen already.", "请查看亮证状态；已查看过的请重新发起。"),
    ("LICENCE_SHOWING_CHANGED", "Showing changed meanwhile", "亮证已变化", "The showing is not any more as If-Match says: somebody else may have scanned the code.", "亮证已不是 If-Match 所指的状态，扫码方可能已变化。", "Look who scanned, and decide anew.", "请确认扫码方后再决定。"),
    ("LICENCE_SHOWINGS_TOO_MANY", "Too many at a time", "同时亮证过多", "As many licences are being shown as one person may at a time.", "同时亮证的数量已达上限。", "End one of them.", "请先结束其中一个。"),
    # What stands in the holder's access log alone: the caller is told only that the code or address is of no use
    ("LICENCE_DOWNLOAD_STOLEN", "Address made for another system", "下载地址属于其他系统", "Somebody tried an address that was made for another system; nothing was given.", "有人使用了为其他系统生成的下载地址，未提供任何文件。", "Ask the system that it was made for how it came into other hands.", "请向该地址所属系统查问地址为何外泄。"),
    ("LICENCE_DOWNLOAD_USED", "Address used before", "下载地址已使用过", "An address serves one download, and this one had served it; nothing was given.", "每个下载地址仅可使用一次，此地址已使用过，未提供任何文件。", *_AGAIN),
    ("LICENCE_DOWNLOAD_OVER", "Address too old", "下载地址已过期", "The time of the address, or of the copy behind it, was over; nothing was given.", "下载地址或其加注件已过期，未提供任何文件。", *_AGAIN),
    ("LICENCE_DOWNLOAD_WITHDRAWN", "What the copy was given by has ended", "加注件所依据的委托或权限已终止", "The entrustment, or the power over an organisation's licences, by which the copy had been given had ended when it was to be fetched; nothing was given.", "下载时，加注件所依据的委托或组织证照使用权限已终止，未提供任何文件。", "Have a new use code granted for this system and purpose.", "请为本系统与用途重新取得用证码。"),
    ("SHOWING_CODE_WRONG", "Code wrong or too old", "亮证码错误或已更换", "The code that was scanned was not the one on the screen: old, copied or made up; nothing was shown.", "所扫亮证码不是屏幕上当前的码（已更换、被翻拍或伪造），未显示任何内容。", *_SCREEN),
    ("SHOWING_OVER", "Showing over", "亮证已结束", "The showing had ended when its code was scanned; nothing was shown.", "扫码时亮证已结束，未显示任何内容。", *_SCREEN),
    ("SHOWING_TAKEN", "Scanned by another system", "亮证码已被其他系统扫描", "Another system had scanned the code before; nothing was shown to this one.", "该亮证码此前已被其他系统扫描，未向此系统显示任何内容。", *_SCREEN),
    ("SHOWING_WITHDRAWN", "Entrustment ended", "亮证所依据的委托已终止", "The entrustment by which the licence was being shown had ended; nothing was shown.", "亮证所依据的委托已终止，未显示任何内容。", *_SCREEN),
)  # fmt: skip

TEXTS: Final = tuple(ProblemText(*row) for row in _ROWS)

register(*TEXTS)
