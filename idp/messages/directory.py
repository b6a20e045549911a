"""Entries of the error catalogue about directories: changes, reconciliation, imports, provisioning."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

_ROWS: Final = (
    ("CHANGE_CURSOR_UNKNOWN", "Cursor not of this feed", "变更游标无效", "The cursor is malformed, of another deployment, or ahead of this one, as after a restored backup.", "游标格式错误、属于其他部署，或超前于本部署（例如恢复备份之后）。", "Reconcile, then go on from the cursor that the reconciliation names.", "请先对账，再从对账结果给出的游标继续。"),
    ("ACCOUNT_PROTECTED", "Administrator's account", "管理员账户受保护", "The account administers this deployment; neither other directories nor who manages accounts may change it or end its access.", "该账户为本系统管理员账户，其他目录和账户管理人员均不得修改或停用。", "Let a security administrator take the role away first (`POST /v1/role-holders/{holder}/dismiss`), or use the command line.", "请先由安全管理员撤销其管理员角色（`POST /v1/role-holders/{holder}/dismiss`），或使用命令行。"),
    ("ACCOUNT_HELD", "Disabled by somebody else", "账户由他人停用", "Somebody else than this directory disabled the account, and only he, or an administrator, lets it in again.", "该账户并非由此目录停用，只有停用者或管理员可以重新启用。", "Leave `active` out, or have the account enabled by who disabled it.", "请不要提交 active，或由停用者重新启用。"),
    ("ACCOUNT_FOREIGN", "Account of another source", "账户来自其他来源", "Password, agents and end of an account are only for the directory that brought it, or for an administrator.", "仅最初提供该账户的目录或管理员可以设置口令、经办人或注销该账户。", "Leave these out, or ask an administrator.", "请不要提交这些内容，或联系管理员处理。"),
    ("ACCOUNT_PROVEN", "Identity already proven", "实名身份已核验", "Name and number of an identity proven from level 2 on are not changed by another directory, and the name by nobody while the evidence for it stands.", "实名等级 2 及以上账户的姓名与证件号码不能由其他目录修改；核验记录有效期间，任何人不得更改姓名。", "Correct the other directory; or, as an administrator, take the evidence back, change the name, and enter the evidence for the new one.", "请更正对方目录；或由管理员先撤销核验记录，更改姓名后再录入新的核验记录。"),
    ("IMPORT_UNREADABLE", "Not a file of accounts", "不是可导入的账户文件", "The file, its encoding, its columns or the name of its source cannot be read; `facts` says where. Nothing was stored.", "文件、编码、列名或来源名称无法识别，位置见 facts；未保存任何内容。", "Correct the file (docs/reference/directory.md) and send it again.", "请按 docs/reference/directory.md 更正后重新提交。"),
    ("IMPORT_TOO_LARGE", "File of accounts too large", "账户文件过大", "The file has more octets or rows than one import takes. Nothing was stored.", "文件的字节数或行数超过单次导入上限；未保存任何内容。", "Divide it; rows that were imported before are found again by their source_id.", "请拆分文件；已导入的行会按 source_id 识别。"),
    ("IMPORT_NOT_FOUND", "No such import", "未找到导入任务", "There is no import with this id.", "没有此标识的导入任务。", "List the imports.", "请查看导入任务列表。"),
    ("IMPORT_ROW_UNREADABLE", "Row not readable", "该行无法读取", "The row has another number of values than the header, is no object of texts, has unknown names, or is too long.", "该行的列数与表头不符、不是文本对象、含未知字段，或过长。", "Correct the row and import it again.", "请更正该行后重新导入。"),
    ("IMPORT_ROW_REPEATED", "Row repeats another", "该行与其他行重复", "An earlier row of the file has the same source_id, login name or number; `field` says which.", "文件中前面的行已有相同的 source_id、登录名或证件号码，见 field。", "Find out which of the rows is right.", "请确认哪一行正确。"),
    ("IMPORT_ROW_NOT_NEWER", "Not newer than what is known", "不比已知版本新", "The row's version is not above the one that was taken for this subject before; nothing was changed.", "该行的版本号不高于此前已接收的版本，未作任何更改。", "Nothing needs to be done; a source that counts anew sends version 0 once.", "无需处理；若来源重新计数，请先以版本号 0 提交一次。"),
    ("SCIM_FILTER_INVALID", "Not a filter", "筛选条件无效", "The filter is malformed, compares what has no order, or is too long.", "筛选条件格式错误、比较了没有次序的值，或超出长度限制。", "Write it as RFC 7644 3.4.2.2 says; limits stand in docs/reference/directory.md.", "请按 RFC 7644 3.4.2.2 书写；限制见 docs/reference/directory.md。"),
    ("SCIM_PATH_INVALID", "No such attribute path", "属性路径无效", "The attribute path is malformed or of a schema that is not known here.", "属性路径格式错误，或属于未知的模式。", "See /scim/v2/Schemas.", "请参阅 /scim/v2/Schemas。"),
    ("SCIM_VALUE_INVALID", "Value not acceptable", "属性值无效", "A value is missing or of the wrong type; `facts` says which.", "缺少属性值或类型错误，详见 facts。", "Correct the value named.", "请更正所示的值。"),
    ("SCIM_SYNTAX_INVALID", "Not a SCIM message", "不是有效的 SCIM 消息", "The body is no JSON, lacks its schema, or is not built as RFC 7644 says.", "请求体不是 JSON、缺少 schemas，或结构不符合 RFC 7644。", "Send application/scim+json with the schema named in `facts`.", "请以 application/scim+json 发送，并包含 facts 所示的模式。"),
    ("SCIM_TARGET_MISSING", "Nothing to change there", "未找到修改目标", "The path of an operation selects nothing.", "操作路径未选中任何内容。", "Read the resource and name what is there.", "请读取资源并指定存在的内容。"),
    ("SCIM_BULK_TOO_LARGE", "Too many operations", "批量操作过多", "The message holds more operations than are taken at once.", "一条消息中的操作数超过上限。", "Send them in several messages; the limit stands in ServiceProviderConfig.", "请分多条消息发送；上限见 ServiceProviderConfig。"),
    ("SCIM_BULK_REFERENCE", "Refers to nothing", "引用不存在", "The operation refers to a bulkId that no operation has, whose operation failed, or that refers back to it.", "该操作引用的 bulkId 不存在、对应操作失败，或形成循环引用。", "Send it again once what it refers to is there, with its id.", "待被引用的资源创建后，以其标识重新提交。"),
    ("SCIM_TOO_MANY", "Filter would look at too many", "筛选范围过大", "No index serves this filter, and there are too many accounts to look at each.", "该筛选条件无索引可用，且账户数量过多，无法逐一检查。", "Filter by eq on userName, externalId, displayName, mail, telephone or number, or page through all.", "请对 userName、externalId、displayName、邮箱、电话或证件号使用 eq，或逐页读取。"),
)  # fmt: skip

TEXTS: Final = tuple(ProblemText(*row) for row in _ROWS)
register(*TEXTS)
