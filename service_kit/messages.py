"""The kit's own entries in the error catalogue: web frame, callers, database, audit trail, log, idempotency, files, settings."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

LATER_EN: Final = "Try again after the time named in Retry-After; where it goes on, tell the operator the request id."
LATER_ZH: Final = "请在 Retry-After 所示时间后重试；若持续出现，请将请求编号告知运维人员。"
OPERATOR_EN: Final = "The operator runs `yinxin doctor` and `yinxin audit check` and looks into the log under the request id."
OPERATOR_ZH: Final = "由运维人员运行 yinxin doctor 与 yinxin audit check，并按请求编号查看日志。"
REQUEST_EN: Final = "Correct the request as the API documentation (/openapi.json) describes and send it again."
REQUEST_ZH: Final = "请按接口文档（/openapi.json）更正请求后重新发送。"
SETTING_EN: Final = "Correct settings.toml or the YINXIN_ variable and start again; docs/reference/settings.md lists every setting."
SETTING_ZH: Final = "请更正 settings.toml 或 YINXIN_ 环境变量后重新启动；全部设置见 docs/reference/settings.md。"
BEARER_EN: Final = "Obtain a new access token from the token endpoint and send it as `Authorization: Bearer ...`."
BEARER_ZH: Final = "请从令牌端点重新获取访问令牌，并以 Authorization: Bearer 方式发送。"

_ROWS: Final = (
    # code, title, 标题, cause, 原因, remedy, 处理
    ("INTERNAL", "Internal error", "内部错误", "Something failed that should not have; no detail is shown.", "出现了不应出现的故障，细节不予显示。", OPERATOR_EN, OPERATOR_ZH),
    ("ROUTE_UNKNOWN", "No such address", "地址不存在", "Nothing is served at this path.", "此路径没有提供服务。", REQUEST_EN, REQUEST_ZH),
    ("METHOD_NOT_ALLOWED", "Method not allowed", "方法不允许", "This path exists, but not with this method.", "此路径存在，但不支持该方法。", REQUEST_EN, REQUEST_ZH),
    ("MEDIA_TYPE_UNSUPPORTED", "Content type not supported", "内容类型不支持", "The body is of a type this operation does not read.", "该操作不读取此类型的请求体。", REQUEST_EN, REQUEST_ZH),
    ("NOT_ALLOWED", "Not allowed", "无权操作", "The caller may not do this.", "调用方无权执行此操作。", "Ask the operator which right is needed.", "请向运维人员确认所需权限。"),
    ("REQUEST_REFUSED", "Request refused", "请求被拒绝", "The server does not accept this request.", "服务器不接受此请求。", REQUEST_EN, REQUEST_ZH),
    ("REQUEST_MALFORMED", "Request not readable", "请求无法解析", "The request does not have the form this operation reads.", "请求不符合该操作可解析的格式。", REQUEST_EN, REQUEST_ZH),
    ("REQUEST_INVALID", "Request against the rules", "请求不符合规则", "A field is missing, unknown or outside its limits; `violations` names it.", "字段缺失、未知或超出限制，见 violations。", REQUEST_EN, REQUEST_ZH),
    ("REQUEST_TIMEOUT", "Took too long", "处理超时", "The request was not finished within its time limit.", "请求未在时限内完成。", LATER_EN, LATER_ZH),
    ("BODY_TOO_LARGE", "Body too large", "请求体过大", "The body is over the limit named in `facts`.", "请求体超出 facts 所示上限。", "Send less, or ask the operator to raise limits.body_bytes.", "请减小请求体，或请运维人员调高 limits.body_bytes。"),
    ("HEADERS_TOO_LARGE", "Headers too large", "请求头过大", "The request has too many header fields, or too long ones.", "请求头字段过多或过长。", REQUEST_EN, REQUEST_ZH),
    ("HEADERS_MALFORMED", "Header not readable", "请求头无法解析", "A header field does not have its form.", "请求头字段不符合格式。", REQUEST_EN, REQUEST_ZH),
    ("MULTIPART_EXPECTED", "Form expected", "应为表单", "This operation reads multipart/form-data.", "该操作读取 multipart/form-data。", REQUEST_EN, REQUEST_ZH),
    ("MULTIPART_MALFORMED", "Form not readable", "表单无法解析", "The multipart body does not have its form.", "multipart 请求体不符合格式。", REQUEST_EN, REQUEST_ZH),
    ("FIELD_REPEATED", "Field repeated", "字段重复", "A form field that is read once was sent more than once.", "只读一次的表单字段被重复发送。", REQUEST_EN, REQUEST_ZH),
    ("FIELD_UNKNOWN", "Field unknown", "未知字段", "The form has a field that this operation does not read.", "表单含有该操作不读取的字段。", REQUEST_EN, REQUEST_ZH),
    ("PARAMETER_UNKNOWN", "Parameter unknown", "未知参数", "The address has a parameter that this operation does not read there; `facts` names it. What is not read is refused, so that no question is answered as if it had not been asked.", "地址中含有该操作不从地址读取的参数，见 facts。未被读取的参数一律拒绝，以免问题未被回答却看似已答。", "Check its spelling. What an operation reads in its form or body is sent there, not behind the `?`.", "请核对参数名；应在表单或请求体中提交的字段不要放在“?”之后。"),
    ("FIELD_TOO_LONG", "Field too long", "字段过长", "A form field is over its limit.", "表单字段超出上限。", REQUEST_EN, REQUEST_ZH),
    ("FILE_TOO_LARGE", "File too large", "文件过大", "The uploaded file is over the limit named in `facts`.", "上传文件超出 facts 所示上限。", "Send a smaller file.", "请上传较小的文件。"),
    ("TEXT_NOT_UNICODE", "Not valid text", "文本无效", "A text holds code points that are no characters.", "文本含有不是字符的码位。", REQUEST_EN, REQUEST_ZH),
    ("TOO_BUSY", "Too busy", "繁忙", "All places for heavy work are taken.", "重负荷任务的名额已满。", LATER_EN, LATER_ZH),
    ("WRITE_QUEUE_FULL", "Too busy to store", "存储繁忙", "More changes wait to be stored than the limit allows.", "等待存储的变更超过上限。", LATER_EN, LATER_ZH),
    ("TOKEN_MISSING", "No access token", "缺少访问令牌", "The request carries no access token.", "请求未携带访问令牌。", BEARER_EN, BEARER_ZH),
    ("TOKEN_INVALID", "Access token not accepted", "访问令牌不被接受", "The token is not one this service accepts; `facts` names the rule.", "令牌不被本服务接受，规则见 facts。", BEARER_EN, BEARER_ZH),
    ("DPOP_PROOF_INVALID", "Proof of possession not accepted", "持有证明不被接受", "The DPoP proof is missing or not one for this request, this token and its key; `facts` names the rule.", "DPoP 持有证明缺失，或与本次请求、令牌及其密钥不符，规则见 facts。", "Make a new proof for each request with the key the token is bound to (RFC 9449 4.2): its `htm` and `htu` are those of the request, `ath` the digest of the token, and the clock is right.", "请为每次请求用令牌绑定的密钥生成新的证明（RFC 9449 4.2）：htm、htu 与请求一致，ath 为令牌摘要，且时钟准确。"),
    ("DPOP_NONCE_NEEDED", "Proof without the nonce of now", "持有证明缺少当前随机数", "The DPoP proof must carry the nonce that this deployment gives out now.", "DPoP 持有证明须带有本部署当前发放的随机数。", "Make the proof again with the value of the header DPoP-Nonce as its `nonce` (RFC 9449 8, 9), and keep it for the next requests.", "请将响应头 DPoP-Nonce 的值作为 nonce 重新生成证明（RFC 9449 8、9），并用于后续请求。"),
    ("TOKEN_EXPIRED", "Access token expired", "访问令牌已过期", "The token was right, but its time is over.", "令牌有效期已过。", BEARER_EN, BEARER_ZH),
    ("SCOPE_MISSING", "Right missing", "缺少权限", "The token does not carry the scope this operation asks for.", "令牌不含该操作要求的权限范围。", "Request a token with the scope named in `facts`; the operator grants scopes to clients.", "请申请包含 facts 所示权限范围的令牌；权限由运维人员授予应用。"),
    ("KEYS_UNAVAILABLE", "Issuer's keys not available", "签发方密钥不可用", "The keys that check access tokens could not be fetched.", "无法取得用于校验访问令牌的密钥。", LATER_EN, LATER_ZH),
    ("RATE_EXCEEDED", "Too many requests", "请求过于频繁", "The client asks for more tokens than it may, or its address sent too many wrong secrets.", "客户端申请令牌的频率超限，或其地址发送了过多错误密钥。", "Wait as long as Retry-After says. A token is good for ten minutes: keep it and use it again.", "请按 Retry-After 等待。令牌十分钟内有效，请缓存后重复使用。"),
    ("DATABASE_UNAVAILABLE", "Database not available", "数据库不可用", "The database cannot be read or written now.", "数据库当前无法读写。", LATER_EN, LATER_ZH),
    ("DATABASE_OUTCOME_UNKNOWN", "Outcome unknown", "结果未知", "The connection was lost while the change was being committed.", "提交变更时连接中断。", "Repeat the request with the same Idempotency-Key: it is done once, whatever happened.", "请使用相同的 Idempotency-Key 重复请求：无论此前结果如何，只会执行一次。"),
    ("DATABASE_TOO_NEW", "Database of a newer version", "数据库版本较新", "A newer version of the program has changed the tables.", "较新版本的程序已更改数据表。", "Start the newer version, or restore the backup taken before the change.", "请启动较新版本，或恢复变更前的备份。"),
    ("AUDIT_UNAVAILABLE", "Cannot be recorded", "无法记入审计", "What cannot be recorded is not done: the audit trail cannot be written now.", "无法记录则不执行：审计日志当前无法写入。", LATER_EN, LATER_ZH),
    ("ROW_ALTERED", "A row was altered past the program", "数据行被绕过程序修改", "The integrity code of a row does not hold: someone wrote to the database directly, or a key was replaced.", "数据行的完整性校验不通过：有人直接修改了数据库，或密钥被替换。", "Treat it as an incident: compare with the audit trail (`yinxin audit check`) and a backup.", "按安全事件处理：与审计记录（`yinxin audit check`）和备份比对。"),
    ("AUDIT_ENTRY_UNKNOWN", "No such audit entry", "审计条目不存在", "There is no entry with this id.", "没有此编号的条目。", "Check the id.", "请核对编号。"),
    ("AUDIT_ENTRY_TOO_LARGE", "Audit entry too large", "审计条目过大", "The names or facts to be recorded are over their limit.", "待记录的名称或事实超出上限。", REQUEST_EN, REQUEST_ZH),
    ("PRECONDITION_REQUIRED", "If-Match required", "缺少 If-Match", "This change must say which version it is made to, so that nobody changes what he has not seen.", "此变更须指明所依据的版本，以免更改未曾看到的内容。", "Read it, and send its ETag as If-Match.", "请先读取，并以其 ETag 作为 If-Match 发送。"),
    ("IDEMPOTENCY_KEY_INVALID", "Idempotency-Key not usable", "幂等键不可用", "The key is empty, longer than 255 characters, or not printable ASCII.", "键为空、超过 255 个字符或含非可打印 ASCII 字符。", REQUEST_EN, REQUEST_ZH),
    ("IDEMPOTENCY_KEY_REUSED", "Idempotency-Key used for another request", "幂等键已用于其他请求", "The same key came before with another content.", "同一键此前已随不同内容发送。", "Use a new key for a new request, and the old one only for exact repetitions.", "新请求请使用新键；旧键仅用于完全相同的重复请求。"),
    ("IDEMPOTENCY_IN_FLIGHT", "Request under way", "请求处理中", "The first request with this key is still being worked on.", "使用此键的首个请求仍在处理。", LATER_EN, LATER_ZH),
    ("IDEMPOTENCY_CLAIM_LOST", "Request finished elsewhere", "请求已由他处完成", "Another attempt with the same key has finished or been swept away.", "同一键的另一次尝试已完成或已被清理。", "Repeat the request with the same key to get its answer.", "请使用相同的键重复请求以取得结果。"),
    ("BLOB_UNKNOWN", "No such content", "内容不存在", "Nothing is stored under this digest.", "此摘要下没有存储内容。", "Check the digest.", "请核对摘要。"),
    ("BLOB_TOO_LARGE", "Content too large", "内容过大", "The content is over the limit named in `facts`.", "内容超出 facts 所示上限。", "Send less.", "请减小内容。"),
    ("BLOB_DAMAGED", "Stored content damaged", "存储内容损坏", "A stored file no longer has the content its name states.", "存储文件的内容与其名称所示不符。", OPERATOR_EN, OPERATOR_ZH),
    ("BLOB_STORE_UNAVAILABLE", "Store not available", "存储不可用", "Files cannot be written or read now.", "文件当前无法读写。", LATER_EN, LATER_ZH),
    ("CLOCK_BEHIND", "Clock is behind", "时钟落后", "The machine's clock is behind times already used by more than the tolerance.", "机器时钟落后于已使用的时间，且超出容差。", "The operator sets the clock right (NTP) and starts again. Where the clock was once ahead by mistake, what it signed then carries a false time: the operator finds it in the audit trail, then removes the file `run/clock-floor`.", "由运维人员校准时钟（NTP）后重新启动。若时钟曾误拨到未来，其间的签名带有错误时间：请先在审计记录中查明，再删除文件 `run/clock-floor`。"),
    ("CLOCK_FLOOR_UNREADABLE", "Last time not readable", "最后时间无法读取", "The file with the last time used is damaged.", "记录最后使用时间的文件已损坏。", OPERATOR_EN, OPERATOR_ZH),
    ("SETTING_INVALID", "Setting not valid", "设置无效", "A setting has a value that is not possible; `facts` names it.", "某项设置的值不可用，名称见 facts。", SETTING_EN, SETTING_ZH),
    ("SETTING_UNKNOWN", "Setting unknown", "未知设置", "There is no such setting; probably misspelt.", "没有此项设置，可能拼写有误。", SETTING_EN, SETTING_ZH),
    ("SETTINGS_UNREADABLE", "Settings not readable", "设置无法读取", "settings.toml cannot be read as TOML.", "settings.toml 无法按 TOML 读取。", SETTING_EN, SETTING_ZH),
    ("GLYPH_MISSING", "Character cannot be drawn", "字形缺失", "No typeface here has a shape for the characters named in `facts`, and nothing else is drawn in their place.", "本机字体中没有 facts 所示字符的字形，系统不会以其他符号代替。", "Check the characters. For rare characters of names or traditional Mongolian, the operator installs a typeface that has them (docs/reference/ofd-writer.md names some).", "请核对字符。生僻字或传统蒙古文须由运维人员安装含有该字的字体（docs/reference/ofd-writer.md 列有可用字体）。"),
    ("TYPEFACE_TOO_LARGE", "Too many characters for one typeface", "单个字体字符过多", "A document uses more different characters, or more shaped runs, than one embedded typeface may have.", "文档所用的不同字符或连写段超出单个嵌入字体的上限。", "Split the document.", "请拆分文档。"),
    ("OFD_VALUE_BAD", "Value cannot stand in a document", "内容无法写入文档", "A text, size, place, colour, picture or name is not one that an OFD document may hold; `facts` names it and the rule.", "文本、尺寸、位置、颜色、图片或名称不符合 OFD 文档要求，字段与规则见 facts。", "Correct the value.", "请更正该内容。"),
    ("OFD_GLYPH_MISSING", "Character not in the embedded font", "嵌入字体缺少字符", "A text has a character that the font given with it has no width for.", "文本含有随附字体中没有字宽的字符。", "Cut the font anew with all characters of the text.", "请按文本的全部字符重新裁取字体。"),
    ("OFD_TOO_LARGE", "Document too large to be written", "文档过大无法写出", "The document, one of its files or their number is over the limit named in `facts`.", "文档、其中某个文件或文件数量超出 facts 所示上限。", "Split the document or make its pictures smaller.", "请拆分文档或缩小图片。"),
    ("PDF_VALUE_BAD", "Value cannot stand in a PDF", "内容无法写入 PDF", "A text, a file name or a number of files is not one that a PDF for keeping may hold; `facts` names it and the rule.", "文本、文件名或文件数量不符合归档 PDF 的要求，字段与规则见 facts。", "Correct the value.", "请更正该内容。"),
    ("PDF_FILE_TOO_LARGE", "File inside the PDF too large", "PDF 内嵌文件过大", "A file to be put into the PDF is over the limit named in `facts`.", "拟嵌入 PDF 的文件超出 facts 所示上限。", "Make the file smaller.", "请减小该文件。"),
    ("PDF_PICTURE_UNUSABLE", "Picture cannot go into the PDF", "图片无法写入 PDF", "The picture is no PNG or JPEG of the kinds that can be embedded as they are; `facts` names the reason.", "图片不是可直接嵌入的 PNG 或 JPEG，原因见 facts。", "Save it as JPEG, or as PNG with 8 bits and without transparency.", "请另存为 JPEG，或 8 位且无透明的 PNG。"),
    ("PDF_PICTURE_TOO_LARGE", "Picture too large", "图片过大", "The picture has more bytes or pixels than the limit named in `facts`.", "图片的字节数或像素数超出 facts 所示上限。", "Make the picture smaller.", "请缩小图片。"),
    ("OFD_PAGES_MISSING", "No page to show", "没有可显示的页面", "The document has no page that can be drawn, or not the one asked for.", "文档没有可绘制的页面，或没有所请求的页面。", "Check the page number and the document.", "请核对页码与文档。"),
    ("CHECK_TOO_SLOW", "Check took too long", "检查超时", "A readiness check did not finish in time.", "就绪检查未按时完成。", OPERATOR_EN, OPERATOR_ZH),
    ("ROLE_HELD", "Holds another role", "已担任其他角色", "The three administrators are different people: this holder has one of the roles already.", "三员须由不同人员担任，该人员已担任其中一个角色。", "Appoint somebody else, or end the other appointment first.", "请任命其他人员，或先解除原任命。"),
    ("ROLE_FIELD_INVALID", "Appointment not valid", "任命信息无效", "A member of the appointment is against its rule; `facts` names it.", "任命信息中有一项不符合规则，见 facts。", REQUEST_EN, REQUEST_ZH),
    ("ROLE_MISSING", "Role missing", "缺少角色", "Only an administrator with the role named in `facts` may do this.", "只有担任 facts 所示角色的管理员可以执行此操作。", "Ask a security administrator; the first one is appointed with `yinxin roles appoint`.", "请联系安全管理员；首位安全管理员由 `yinxin roles appoint` 任命。"),
    ("ROLE_HOLDER_BOUND", "Cannot be an administrator", "不得担任管理员", "The holder has an office in one of the services that no administrator may have.", "该人员在业务中另有权限，不得同时担任管理员。", "Take the other office from the holder first, or appoint somebody else.", "请先收回其业务权限，或另行任命。"),
    ("ROLE_FORBIDS", "The role does not go with this", "角色不允许此操作", "Who holds the role named in `facts` does nothing outside of it.", "担任 facts 所示角色者不得从事该角色以外的操作。", "Let somebody without this role do it.", "请由不担任该角色的人员办理。"),
    ("ROLE_OF_ONE_SELF", "Not for oneself", "不得为本人办理", "Nobody appoints or dismisses himself, and security administrators are appointed at the command line only.", "任何人不得任免本人；安全管理员只能通过命令行任命。", "Another security administrator does it, or the operator with `yinxin roles`.", "请由另一名安全管理员办理，或由运维人员通过 `yinxin roles` 办理。"),
    ("LOG_ENTRY_PENDING", "Not yet in the log", "尚未进入日志", "The entry is stored, but not yet under a signed checkpoint.", "条目已存储，但尚未纳入已签名的检查点。", LATER_EN, LATER_ZH),
    ("LOG_ENTRY_UNKNOWN", "No such log entry", "日志条目不存在", "The log has no entry with this id.", "日志中没有此编号的条目。", "Check the id.", "请核对编号。"),
    ("LOG_INDEX_UNKNOWN", "No such index", "索引不存在", "The log has fewer entries.", "日志条目数少于此索引。", "Ask for an index below the size of the checkpoint.", "请使用小于检查点大小的索引。"),
    ("LOG_SIZE_UNKNOWN", "No such size", "大小不存在", "The log never had this size under a checkpoint.", "日志从未以此大小形成检查点。", "Ask for sizes up to that of the newest checkpoint.", "请使用不超过最新检查点的大小。"),
    ("LOG_TREE_UNKNOWN", "No such tree", "树不存在", "The log has no tree of this name.", "日志没有此名称的树。", "Use one of the trees the documentation names.", "请使用文档所列的树。"),
    ("LOG_FILES_UNAVAILABLE", "Log files not available", "日志文件不可用", "The log's files cannot be written now.", "日志文件当前无法写入。", OPERATOR_EN, OPERATOR_ZH),
    ("LOG_ROLLED_BACK", "Database older than the log", "数据库早于日志", "The database knows fewer entries than a published checkpoint: an old backup was restored.", "数据库条目少于已发布的检查点：恢复了旧备份。", "Restore the newest backup or a replica; docs/reference/transparency-log.md says what to do where none exists.", "请恢复最新备份或副本；若不存在，参见 docs/reference/transparency-log.md。"),
    ("LOG_FORKED", "Log contradicts itself", "日志自相矛盾", "A published checkpoint does not fit the stored entries.", "已发布的检查点与存储的条目不一致。", OPERATOR_EN, OPERATOR_ZH),
    ("LOG_TILE_DAMAGED", "Log file damaged", "日志文件损坏", "A file of the log does not have its content.", "日志文件内容不符。", OPERATOR_EN, OPERATOR_ZH),
    ("LOG_TILE_MISSING", "Log file missing", "日志文件缺失", "A file of the log is gone.", "日志文件缺失。", OPERATOR_EN, OPERATOR_ZH),
    ("LOG_TILE_CONFLICT", "Log file differs", "日志文件冲突", "A file of the log that never changes would have to change.", "不可更改的日志文件出现了不同内容。", OPERATOR_EN, OPERATOR_ZH),
    ("LOG_ENTRY_MISSING", "Log entry missing", "日志条目缺失", "An entry that has its place in the log is gone from the database.", "已在日志中的条目从数据库中消失。", OPERATOR_EN, OPERATOR_ZH),
    ("LOG_CHECKPOINT_NOT_OURS", "Foreign checkpoint", "检查点并非本日志所签", "A checkpoint kept here is not signed by this log's keys.", "此处保存的检查点不是由本日志密钥签名。", OPERATOR_EN, OPERATOR_ZH),
    ("WITNESS_LOG_UNKNOWN", "Log not known here", "见证方不认识该日志", "This witness does not watch the log of this origin.", "本见证方未登记此来源的日志。", "Ask the witness's operator to add the log's key.", "请见证方运维人员登记该日志的密钥。"),
    ("WITNESS_SIGNATURE_BAD", "Checkpoint not signed by the log", "检查点不是该日志所签", "No key that the witness knows of this log has signed the checkpoint.", "检查点没有见证方所知日志密钥的签名。", "Compare the log's key with the one the witness has.", "请核对日志密钥与见证方登记的密钥。"),
    ("WITNESS_SIZE_BEHIND", "Sizes the wrong way round", "大小顺序颠倒", "The old size is larger than that of the checkpoint.", "旧大小大于检查点大小。", "Send the old size the witness has named.", "请发送见证方给出的旧大小。"),
    ("WITNESS_SIZE_OTHER", "Witness knows another size", "见证方所知大小不同", "The old size is not that of the newest checkpoint the witness has cosigned; `facts` has it.", "旧大小不是见证方最近会签的检查点大小，见 facts。", "Send a proof from the size the witness names.", "请发送自该大小起的证明。"),
    ("WITNESS_FORK", "The log contradicts itself", "日志自相矛盾", "The witness has cosigned another root for this size. It keeps both checkpoints as evidence.", "见证方已就此大小会签过另一根值，并保留两者作为证据。", "The log's operator runs `yinxin audit check`; the witness's operator shows the evidence to the supervisor.", "由日志运维人员运行 yinxin audit check；见证方将证据提交监管部门。"),
    ("WITNESS_PROOF_BAD", "Not an extension", "不是延续", "The proof does not show the checkpoint to extend the one the witness knows.", "证明未能表明检查点延续见证方所知状态。", "The log's operator runs `yinxin audit check`.", "由日志运维人员运行 yinxin audit check。"),
    ("WITNESS_REFUSED", "Witness refused", "见证方拒绝", "A witness did not cosign the checkpoint.", "见证方未会签检查点。", "Ask the witness's operator; the checkpoint stands without this cosignature.", "请联系见证方运维人员；检查点暂无此会签。"),
    ("WITNESS_AHEAD", "Witness knows more than the log", "见证方所知多于本日志", "A witness has cosigned a larger log than this one: the database was rolled back, or somebody else signs as this log.", "见证方会签过更大的日志：数据库被回退，或他人冒用本日志签名。", "Stop issuing and see docs/reference/transparency-log.md on rolled back logs.", "请停止签发，并参见 docs/reference/transparency-log.md 中关于回退的说明。"),
    ("WITNESS_COSIGNATURE_BAD", "Cosignature not right", "会签不正确", "What the witness answered holds no right cosignature of its key.", "见证方的应答不含其密钥的正确会签。", "Compare the witness's key in the settings with the one its operator names.", "请核对设置中的见证方密钥。"),
    ("LOG_DIGEST_UNSUPPORTED", "Digest not usable for a log", "摘要算法不可用于日志", "Logs use SM3 or SHA-256.", "日志使用 SM3 或 SHA-256。", SETTING_EN, SETTING_ZH),
    ("LOG_KEY_UNSUPPORTED", "Key not usable for a log", "密钥不可用于日志", "Checkpoints are signed with SM2 or Ed25519.", "检查点使用 SM2 或 Ed25519 签名。", SETTING_EN, SETTING_ZH),
    ("OUTBOUND_REFUSED", "Address not allowed", "地址不在允许范围", "This deployment may not call that address: it is no http or https URL, or outside the networks the operator allows.", "本部署不得访问该地址：不是 http/https 地址，或不在运维人员允许的网络内。", "Use an address within `outbound.networks`, or ask the operator to add its network.", "请使用 outbound.networks 允许的地址，或请运维人员添加该网络。"),
    ("OUTBOUND_FAILED", "No answer from outside", "对方未应答", "The other system could not be reached, was too slow, or answered too much.", "无法连接对方系统，或其响应过慢、过大。", LATER_EN, LATER_ZH),
    ("WEBHOOK_NOT_FOUND", "No such endpoint", "未找到推送地址", "There is no such webhook endpoint, or it is another client's.", "没有此推送地址，或属于其他应用。", "List your endpoints with GET /v1/webhooks.", "请用 GET /v1/webhooks 查看本应用的推送地址。"),
    ("WEBHOOK_OWNER_UNKNOWN", "Client not known", "应用不存在", "No client is named, or none of that name is registered and active.", "未指明应用，或没有该名称的已登记且启用的应用。", "Name the client whose developer will receive the messages; GET /v1/clients lists them.", "请指明由其开发人员接收消息的应用；GET /v1/clients 列出全部应用。"),
    ("WEBHOOK_DELIVERY_NOT_FOUND", "No such delivery", "未找到推送记录", "There is no such delivery, or it is another client's.", "没有此推送记录，或属于其他应用。", "List the deliveries of your endpoint.", "请查看本应用推送地址的推送记录。"),
    ("WEBHOOK_TYPES_UNACCEPTABLE", "Event types not acceptable", "事件类型无效", "An event type is unknown or stands twice, or * is not alone.", "事件类型未知或重复，或 * 未单独使用。", "GET /v1/webhook-event-types lists what exists.", "GET /v1/webhook-event-types 列出全部事件类型。"),
    ("WEBHOOK_TOO_MANY", "Too many endpoints", "推送地址过多", "The client has as many endpoints as one may have.", "该应用的推送地址已达上限。", "Remove one that is not needed.", "请删除不需要的推送地址。"),
    ("WEBHOOK_CHANGED", "Endpoint was changed", "推送地址已变更", "The endpoint is no longer the version named in If-Match.", "推送地址已不是 If-Match 所示版本。", "Read it again and repeat the change on what you find.", "请重新读取后再修改。"),
    ("WEBHOOK_PENDING", "Already on its way", "正在推送", "The message is being delivered; it need not be sent again.", "该消息正在推送，无需重发。", "Wait until the delivery has ended.", "请等待本次推送结束。"),
    ("WEBHOOK_DISABLED", "Endpoint disabled", "推送地址已停用", "The endpoint is disabled by its owner or answered 410 Gone.", "推送地址已被停用，或曾应答 410 Gone。", "Set it active again, then send the message again.", "请重新启用后再重发消息。"),
    ("WEBHOOK_NOT_ACCEPTED", "Receiver did not accept", "接收方未接受", "The endpoint answered with another status than 2xx.", "推送地址返回了非 2xx 状态。", "Look into the receiver's log under the webhook-id.", "请按 webhook-id 查看接收方日志。"),
)  # fmt: skip

TEXTS: Final = tuple(ProblemText(*row) for row in _ROWS)
register(*TEXTS)
