"""Entries of the error catalogue about the life of seals: applications, powers, grants, making, papers."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

_AGAIN_EN: Final = "Read it again and choose a step that its state allows."
_AGAIN_ZH: Final = "请重新读取，选择当前状态允许的操作。"
_GRANT_EN: Final = "Ask who manages the seal for a grant that covers this use."
_GRANT_ZH: Final = "请向印章管理方申请覆盖此次用章的授权。"
_ID_EN: Final = "Check the identifier, and whether the caller takes part in it."
_ID_ZH: Final = "请核对标识，以及调用方是否为相关方。"

_ROWS: Final = (
    # code, title, 标题, cause, 原因, remedy, 处理
    ("SEAL_RECEIPT_UNUSABLE", "Receipt not usable", "备案回执不可用", "The regional platform answered with a receipt that is empty, too long, no plain line, or that another seal has.", "区域平台返回的备案回执为空、过长、不是单行文本，或已属于另一印章。", "The filing is tried again; ask the operator of the platform.", "备案会自动重试；请联系平台运维方。"),
    ("SEAL_REVIEW_REQUIRED", "Apply first", "须先申请并审核", "In this deployment seals are made only for applications that somebody else has approved.", "本部署仅为经他人审核通过的申请制章。", "Use POST /v1/seal-applications; the setting seals.two_person_review says so.", "请使用 POST /v1/seal-applications 提交申请；该规则由设置 seals.two_person_review 决定。"),
    ("SEAL_POWER_HELD", "Holds another power", "已持有其他权限", "Nobody holds two of the powers to manage, to use and to audit one seal.", "对同一印章，任何人不得同时持有管理、使用、审计中的两项权限。", "Give the power to somebody else, or take the other one back first.", "请将该权限授予他人，或先收回其已有权限。"),
    ("SEAL_LAST_MANAGER", "Last one who manages it", "最后一名管理方", "A seal always has somebody who manages it.", "印章必须始终有管理方。", "Give the power to somebody else first.", "请先将管理权限授予他人。"),
    ("SEAL_GRANT_NOT_FOUND", "Grant not found", "未找到授权", "There is no such grant, or the caller may not know of it.", "没有此授权，或调用方无权知悉。", _ID_EN, _ID_ZH),
    ("GRANT_FORM_NOT_COVERED", "Form not covered by the grant", "授权不含此文件形式", "The grant does not cover documents of this form (pdf, ofd, digest).", "授权不包含此形式的文件（pdf、ofd、digest）。", _GRANT_EN, _GRANT_ZH),
    ("GRANT_TYPE_NOT_COVERED", "Document type not covered by the grant", "授权不含此文件类型", "The grant names document types, and the one given is none of them.", "授权限定了文件类型，所给类型不在其中。", "Give the document_type the grant names, or ask for another grant.", "请给出授权所列的 document_type，或另行申请授权。"),
    ("GRANT_SYSTEM_NOT_COVERED", "System not covered by the grant", "授权不含此系统", "The grant is for uses through another system.", "授权仅限通过其他系统用章。", _GRANT_EN, _GRANT_ZH),
    ("GRANT_NOT_YET_VALID", "Grant not valid yet", "授权尚未生效", "The grant begins later.", "授权的生效时间尚未到。", "Wait, or ask for another grant.", "请等待生效或另行申请授权。"),
    ("GRANT_OVER", "Grant is over", "授权已到期", "The grant has ended.", "授权已过期。", _GRANT_EN, _GRANT_ZH),
    ("GRANT_OUTSIDE_HOURS", "Outside the hours of the grant", "不在授权时段内", "The grant holds at other hours of the day only.", "授权仅在一天中的其他时段有效。", "Come again within the hours the facts name, or ask for another grant.", "请在 facts 所示时段内办理，或另行申请授权。"),
    ("GRANT_USED_UP", "Grant used up", "授权次数已用完", "As many uses as the grant allows are done or under way.", "授权次数已全部使用或正在使用。", _GRANT_EN, _GRANT_ZH),
    ("PAPER_UNKNOWN", "Paper unknown", "材料不存在", "There is no such paper, or somebody else has handed it in.", "没有此材料，或由他人提交。", "Hand it in with POST /v1/seal-papers and use the id that comes back.", "请先用 POST /v1/seal-papers 提交材料，再使用返回的标识。"),
    ("PAPER_NOT_FOUND", "Paper not found", "未找到材料", "There is no such paper, or the caller may not read it.", "没有此材料，或调用方无权读取。", _ID_EN, _ID_ZH),
    ("APPLICATION_NOT_FOUND", "Application not found", "未找到申请", "There is no such application, or the caller may not know of it.", "没有此申请，或调用方无权知悉。", _ID_EN, _ID_ZH),
    ("APPLICATION_STATE_CONFLICT", "Step not allowed in this state", "当前状态不允许此操作", "The life of an application has no such step from its present state.", "申请的当前状态下没有这一步。", _AGAIN_EN, _AGAIN_ZH),
    ("APPLICATION_CHANGED", "Application changed meanwhile", "申请已被更改", "The application is not at the version that If-Match names.", "申请已不是 If-Match 所指的版本。", "Read it again, look at what changed, and repeat with its new ETag.", "请重新读取，确认变化后用新的 ETag 重试。"),
    ("APPLICATION_OPEN", "Another application is open", "已有未办结的申请", "Something is being applied for about this seal already.", "该印章已有未办结的申请。", "Wait for its end, or let its applicant withdraw it.", "请等待其办结，或由申请人撤回。"),
    ("SEAL_MAKING_UNDER_WAY", "Being made", "正在制作", "Another maker is making this seal.", "该印章正由他方制作。", "Look at the seal again in a moment.", "请稍后重新查看。"),
    ("SEAL_CERTIFICATE_REFUSED", "Certificate refused", "证书不予接受", "The certificate does not fit the key, names another organisation or credit code than the seal was applied for, or is not trusted here; `facts` names the check.", "证书与密钥不符，或所载单位名称、统一社会信用代码与印章申请不一致，或不受信任，所涉检查见 facts。", "Hand in the certificate issued for this seal's request, with the chain up to a trusted authority.", "请提交针对该印章请求签发的证书，并附至受信任机构的证书链。"),
    ("SEAL_CODE_TAKEN", "Seal code taken", "印章编码已存在", "There is a seal of this code here.", "本系统已有此编码的印章。", "Look for the seal under its code.", "请按编码查找该印章。"),
    ("SEAL_IMPORT_UNACCEPTABLE", "Seal cannot be kept here", "印章无法登记", "The seal can be read, but something in it stands against keeping it here; `facts` names it.", "印章可以读取，但其中某项内容不符合登记要求，所涉项目见 facts。", "Ask its maker for a seal with a plain name, and hand in the certificate that it lists beside it.", "请由制章方提供名称为普通文本的印章，并一并提交其所列的证书。"),
    ("SEAL_IMPORT_REFUSED", "Seal does not verify", "印章验证未通过", "Steps of the verification failed; `facts` names them.", "印章验证有步骤未通过，所涉步骤见 facts。", "Run `yinxin verify` on the seal for the reasons; ask its maker for a good one.", "请用 yinxin verify 查看原因，并向制章方索取有效印章。"),
    ("SEAL_IMPORT_KEY_REFUSED", "Key refused", "密钥不予接受", "The key is not that of the seal, cannot be read, or the seal cannot be used here; `facts` names the reason.", "密钥与印章不符、无法读取，或该印章不能在此使用，原因见 facts。", "Hand in the seal's own key and its password, or the seal without a key: then it is archived.", "请提交该印章自身的密钥及口令；不带密钥提交时印章仅作归档。"),
    ("SEAL_IMPORT_OPEN", "Handed in already", "该印章已提交登记", "An application to keep this seal is open.", "该印章已有未办结的登记申请。", "Wait for its end, or let its applicant withdraw it.", "请等待其办结，或由申请人撤回。"),
    ("SEAL_IMPORT_CUT_OFF", "Not completed", "提交未完成", "What was handed in was given up before it became an application.", "所提交内容在形成申请前已中止。", "Hand it in again.", "请重新提交。"),
    ("BATCH_TOO_LARGE", "Batch too large", "批次总量过大", "The documents of one batch together may not be more than `facts` says.", "一个批次的文件总字节数不得超过 facts 所示上限。", "Start this batch, and open another one for the rest.", "请先启动本批次，其余文件另开批次。"),
    ("BATCH_CALLER_DISABLED", "Caller may act no more", "调用方已停用", "Whoever started the batch was disabled before this document was sealed.", "批次启动后、本文件盖章前，调用方已被停用。", "Have the caller enabled again, and put the documents that are left into a new batch.", "请恢复该调用方，并将剩余文件放入新批次。"),
    ("SEAL_PICTURE_NOT_HERE", "No picture that can be drawn", "没有可绘制的印模", "The seal came from elsewhere with a picture in a form that is not drawn here.", "该印章来自外部，其图片格式无法在此绘制。", "Fetch the seal itself and open it with its maker's program.", "请下载印章数据，并用制章方程序查看。"),
)  # fmt: skip

TEXTS: Final = tuple(ProblemText(*row) for row in _ROWS)
register(*TEXTS)
