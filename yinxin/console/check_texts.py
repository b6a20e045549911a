"""What the page says on which files are verified: (Chinese, English)."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "check_nav": ("验证文件", "Verify a file"),
    "check_title": ("验证文件", "Verify a file"),
    "check_lead": ("PDF、OFD 或印章文件。文件只用于本次验证，不保存。", "A PDF, an OFD or a seal. It is verified and not kept."),
    "check_public": ("对外提供的验证页面", "The page for everybody"),
    "check_document": ("文件", "File"),
    "check_missing": ("请选择文件。", "Choose a file."),
    "check_at": ("按此日期判断（可选）", "Judge as of this day, if not today"),
    "check_start": ("验证", "Verify"),
    "check_another": ("再验证一份", "Verify another"),
    "check_file": ("文件：{name}", "File: {name}"),
    "check_changed": ("内容改过吗？", "Was it changed?"),
    "check_changed_yes": ("签章后被改动", "Changed after sealing"),
    "check_changed_no": ("未被改动", "Not changed"),
    "check_changed_unknown": ("无法判断", "Cannot be told"),
    "check_who": ("谁盖的章？", "Who sealed it?"),
    "check_when": ("何时盖章？", "When?"),
    "check_trusted": ("章可信吗？", "Is the seal trusted?"),
    "check_trusted_yes": ("可信", "Trusted"),
    "check_trusted_no": ("不可信", "Not trusted"),
    "check_none": ("文件中没有找到签章。", "No seal was found in it."),
    "check_steps_all": ("对整个文件的检查", "Checks of the whole file"),
    "check_what_changed": ("改动了什么", "What was changed"),
    "check_page": ("第 {page} 页", "Page {page}"),
    "check_before": ("签章时", "As sealed"),
    "check_after": ("现在", "Now"),
    "check_mask": ("差异（红色）", "Difference, in red"),
    "check_pages": ("签章时 {before} 页，现在 {after} 页。", "{before} pages as sealed, {after} now."),
}
