"""What the verification page says where it asks who holds a licence: (Chinese, English)."""

from __future__ import annotations

from typing import Final

HOLDER_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "holder_ask": ("核对是否由面前的人持有（选填）", "Is it held by the person before you? (optional)"),
    "holder_help": (
        "两项都要填写，与证件完全一致：每个字、大小写和空格都算。只用于核验文件和凭证；二维码请对照其中的姓名。填写的内容不保存，也不写入报告。",
        "Fill in both, exactly as the document has them: every character, case and blank counts. Asked of files and credentials; in a code, compare the name. What you fill in is neither kept nor put into the report.",
    ),
    "holder_sent": ("填写的姓名和号码会随文件一起发送，同样不保存。", "Name and number are sent along with the file, and not kept either."),
    "holder_name": ("姓名或名称", "Name"),
    "holder_code": ("证件号码", "Document number"),
    "holder_wrong": (
        "请填写 1 至 {most} 个字符；两项一起填写，或都不填。",
        "Fill in 1 to {most} characters; both fields together, or neither.",
    ),
    "holder_not_of_code": (
        "二维码不能回答是否由此人持有，请对照以下姓名。",
        "A code does not answer whether it is held by this person: compare the names below.",
    ),
    "holder_not_of_changes": (
        "这里只显示改动，没有核对是否由您填写的人持有；请用同一文件再按“上传并核验”。",
        "Only changes are shown here: whether it is held by the person you filled in was not looked at. Choose the file again and press Upload and verify.",
    ),
    "holder_again": ("请更正后重新选择文件。", "Correct it and choose the file again."),
    "holder_first": ("请先选择文件。", "Choose a file first."),
    "holder_changed": ("填写的持有人已改变，请重新核验。", "Who is asked about has changed: verify again."),
    "h_holder_other": ("不是由此人持有", "Not held by this person"),
    "m_holder_other": (
        "姓名和号码与证照的持证主体不是完全一致。请核对填写是否有误，再作判断。",
        "Name and number are not exactly those of a holder of the licence. See whether they were entered rightly before you decide.",
    ),
    "q_holder": ("是由面前的人持有吗？", "Is it held by the person before you?"),
    "holder_ok": ("是，姓名和号码都一致", "Yes, name and number are its holder's"),
    "holder_bad": ("不一致", "No, they are not its holder's"),
    "holder_unknown": ("无法判断", "Cannot tell"),
    "holder_claimed": ("与文件所写一致，但文件本身未能证实", "They are those in the file, but the file is not shown to be good"),
}
