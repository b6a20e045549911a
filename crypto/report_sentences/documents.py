"""Sentences on files, PDF documents and OFD documents."""

from __future__ import annotations

from typing import Final

# Files as a whole, before any container is known
FILE: Final = {
    "FILE_TOO_LARGE": ("The file is larger than {limit_bytes} bytes.", "文件超过 {limit_bytes} 字节。"),
    "FORMAT_UNSUPPORTED": (
        "No signature format known here was found; known are: {supported}.",
        "未发现已知的签名格式，支持：{supported}。",
    ),
    "TRUST_BUNDLE_EXPIRED": (
        "What is known here ended at {expired_at}: how things stand now is not known. Get a new trust bundle.",
        "信任数据已于 {expired_at} 过期，无法得知现在的状态。请取得新的信任数据包。",
    ),
    "TRUST_BUNDLE_FROM_FUTURE": (
        "What is known here is dated {issued_at}, after the clock of this computer ({at}): one of the two is wrong.",
        "信任数据的日期 {issued_at} 晚于本机时间 {at}：两者之一有误。",
    ),
}

# PDF: ISO 32000-2, ETSI EN 319 142-1
PDF: Final = {
    # the file
    "PDF_UNREADABLE": ("The file cannot be read as a PDF document ({reason}).", "文件无法作为 PDF 文档读取（{reason}）。"),
    "PDF_NOT_SIGNED": ("The document carries no signature.", "文档中没有签名。"),
    "PDF_RECOVERED": (
        "The cross-references of the document are damaged; what readers show of it is not certain.",
        "文档的交叉引用已损坏，各阅读器的显示可能不同。",
    ),
    "PDF_ENCRYPTED": ("The document is encrypted; its contents were not compared.", "文档已加密，其内容未作比较。"),
    "PDF_HEADER_OFFSET": ("{offset} bytes stand before the beginning of the document.", "文档开头之前有 {offset} 字节。"),
    "PDF_TOO_MANY_SIGNATURES": (
        "The document carries {found} signatures; only {limit} were checked.",
        "文档含 {found} 个签名，只核验了 {limit} 个。",
    ),
    "PDF_FIELD_UNREADABLE": ("{count} form fields cannot be read.", "有 {count} 个表单域无法读取。"),
    "PDF_SIGNATURE_UNATTACHED": (
        "A signature at offset {offset} belongs to no field of the document.",
        "偏移 {offset} 处的签名不属于文档的任何签名域。",
    ),
    "PDF_ACTIVE_CONTENT": ("The document contains an action of kind {action}.", "文档含有 {action} 动作。"),
    "PDF_ACTIVE_CONTENT_UNREADABLE": ("Actions in the document cannot be read ({reason}).", "文档中的动作无法读取（{reason}）。"),
    "SEALED_FILES_REFUSED": ("The files inside the document are not accepted ({reason}).", "文档内附文件不被接受（{reason}）。"),
    "PDF_EMBEDDED_FILES": ("The document contains embedded files.", "文档含有嵌入文件。"),
    "PDF_XFA": ("The document contains an XFA form, which can replace its pages.", "文档含有 XFA 表单，其显示可取代页面内容。"),
    # what a signature covers
    "PDF_BYTERANGE_OK": ("The signature covers everything but its own value.", "签名覆盖除签名值以外的全部内容。"),
    "PDF_BYTERANGE_MISSING": ("The signature does not say which bytes it covers.", "签名未说明所覆盖的字节范围。"),
    "PDF_BYTERANGE_BAD": (
        "The covered byte range is not allowed: {reason} ({found}).",
        "签名覆盖的字节范围不合规定：{reason}（{found}）。",
    ),
    "PDF_BYTERANGE_OVERLAP": (
        "The place of the signature value lies inside the range of another signature.",
        "签名值的位置处于另一签名的覆盖范围之内。",
    ),
    "PDF_COVERS_FILE": ("The signature covers the whole file.", "签名覆盖整个文件。"),
    "PDF_LATER_REVISION": ("The document was added to after this signature.", "此签名之后文档有追加内容。"),
    "PDF_TRAILING_SPACE": ("{count} bytes of white space follow the signed range.", "签名范围之后有 {count} 字节空白。"),
    "PDF_BYTES_BEHIND_EOF": (
        "{count} bytes stand behind the end mark inside the signed range.",
        "签名范围内的结束标记之后有 {count} 字节。",
    ),
    "PDF_REVISION_UNCOVERED": (
        "Bytes follow the signed range that form no revision of the document.",
        "签名范围之后存在不构成文档修订的数据。",
    ),
    "PDF_REVISION_INCOMPLETE": (
        "The signed range does not end with a complete revision of the document ({reason}).",
        "签名范围的末尾不是完整的文档修订（{reason}）。",
    ),
    "PDF_SIGNATURE_DICTIONARY": ("The signature dictionary cannot be read ({reason}).", "签名字典无法读取（{reason}）。"),
    "PDF_CONTENTS_MISSING": ("The signature carries no value.", "签名缺少签名值。"),
    "PDF_CONTENTS_NOT_HEX": ("The signature value is not written as a hexadecimal string.", "签名值未以十六进制字符串书写。"),
    "PDF_CONTENTS_TOO_LARGE": ("The signature value has {size} bytes; {limit} are allowed.", "签名值有 {size} 字节，上限为 {limit}。"),
    "PDF_CONTENTS_UNREADABLE": ("The signature value cannot be read ({reason}).", "签名值无法解析（{reason}）。"),
    "PDF_CONTENTS_PADDING": ("Data follow the signature value inside its place.", "签名值之后的填充区含有数据。"),
    "PDF_VALUE_NOT_CHECKED": ("The signature value could not be checked ({reason}).", "签名值未能核验（{reason}）。"),
    "PDF_SUBFILTER_UNKNOWN": ("The kind of signature {sub_filter} is not known here.", "未知的签名类型 {sub_filter}。"),
    "PDF_SUBFILTER_OLD": (
        "The kind of signature {sub_filter} is outdated and rests on SHA-1.",
        "签名类型 {sub_filter} 已过时，且基于 SHA-1。",
    ),
    "PDF_SIGNATURE_SHARED": ("Several fields share one signature ({field}).", "多个签名域共用同一签名（{field}）。"),
    "PDF_SIGNATURE_SPOOFED": (
        "The signature does not stand in the revision it claims to cover.",
        "签名不在其所声称覆盖的修订之中。",
    ),
    "PDF_SIGNATURE_DICTIONARY_CHANGED": (
        "The signature in the field {field} was changed afterwards.",
        "签名域 {field} 中的签名事后被改动。",
    ),
    # what changed afterwards
    "PDF_LATER_CHANGES_ALLOWED": (
        "Only permitted additions were made after this signature: {kinds}.",
        "此签名之后仅有允许的追加：{kinds}。",
    ),
    "PDF_CHANGES_UNDECIDED": (
        "The changes after this signature could not be examined ({reason}).",
        "此签名之后的改动无法核查（{reason}）。",
    ),
    "PDF_REVISION_CHAIN": (
        "Later revisions do not continue the signed one as the standard demands: readers may show other things.",
        "后续修订未按标准接续已签名的修订，各阅读器显示的内容可能不同。",
    ),
    "PDF_PAGE_COUNT_CHANGED": (
        "The document had {before} pages when signed and has {after} now.",
        "签名时有 {before} 页，现有 {after} 页。",
    ),
    "PDF_PAGE_CHANGED": ("A page was changed after signing (object {object}, {path}).", "签名后页面被改动（对象 {object}，{path}）。"),
    "PDF_ANNOTATION_CHANGED": (
        "An annotation was added, removed or changed after signing (object {object}, {path}).",
        "签名后批注被增加、删除或改动（对象 {object}，{path}）。",
    ),
    "PDF_FIELD_CHANGED": (
        "A form field was changed after signing (object {object}, {path}).",
        "签名后表单域被改动（对象 {object}，{path}）。",
    ),
    "PDF_FORM_FILLED": ("The form field {field} was filled in after signing.", "签名后填写了表单域 {field}。"),
    "PDF_FORM_CHANGED": ("The form was changed after signing ({key}).", "签名后表单被改动（{key}）。"),
    "PDF_CATALOG_CHANGED": ("The document catalog was changed after signing ({key}).", "签名后文档目录被改动（{key}）。"),
    "PDF_STRUCTURE_CHANGED": ("The logical structure was changed after signing.", "签名后文档的逻辑结构被改动。"),
    "PDF_OBJECT_CHANGED": (
        "Content of the document was changed after signing (object {object}, {path}).",
        "签名后文档内容被改动（对象 {object}，{path}）。",
    ),
    "PDF_OBJECT_UNREADABLE": (
        "A later revision holds an object that cannot be read ({object}).",
        "后续修订含有无法读取的对象（{object}）。",
    ),
    "PDF_OBJECT_MISPLACED": (
        "The cross-references of a later revision point to a wrong place (object {object}).",
        "后续修订的交叉引用指向错误位置（对象 {object}）。",
    ),
    "PDF_OBJECT_STREAM_CHANGED": (
        "An object stream of the signed document was replaced ({object}).",
        "已签名文档的对象流被替换（{object}）。",
    ),
    "PDF_DUPLICATE_KEY": (
        "A dictionary names a key twice, which readers understand differently.",
        "字典中有重复的键，各阅读器的理解可能不同。",
    ),
    "PDF_SEAL_COVERED": ("A later element covers the seal {field} on page {page}.", "后加的元素遮盖了第 {page} 页的印章 {field}。"),
    "PDF_FIELD_LOCKED": (
        "The field {field} is locked by an earlier signature and was changed.",
        "签名域 {field} 已被先前的签名锁定，但被改动。",
    ),
    "PDF_DOCMDP_VIOLATED": (
        "The certification of the document forbids this later change ({reason}, {field}).",
        "文档认证签名不允许此后续改动（{reason}，{field}）。",
    ),
    "PDF_PERMISSIONS_UNREADABLE": ("What the signature forbids cannot be read ({reason}).", "签名的限制条件无法读取（{reason}）。"),
    "PDF_CERTIFICATION_SECOND": ("The document carries a second certification ({field}).", "文档含有第二个认证签名（{field}）。"),
    "PDF_CERTIFICATION_NOT_FIRST": ("The certification {field} is not the first signature.", "认证签名 {field} 不是首个签名。"),
    "PDF_CERTIFICATION_UNREFERENCED": (
        "The document does not name {field} as its certification.",
        "文档未将 {field} 登记为认证签名。",
    ),
    "PDF_EXISTENCE_PROVEN": (
        "A document time-stamp shows that the signature existed by {proven_by}.",
        "文档时间戳证明该签名在 {proven_by} 之前已存在。",
    ),
    "PDF_SIGNATURE_REMOVED": ("A signature of an earlier revision was removed ({field}).", "较早修订中的签名被删除（{field}）。"),
    # the seal of GB/T 38540 in a signature
    "PDF_SES_AGREES": (
        "The electronic seal and the signature around it have the same signer, time and range.",
        "电子印章签章与外层签名的签名人、时间和范围一致。",
    ),
    "PDF_SES_ATTRIBUTE_BAD": (
        "The electronic seal inside the signature cannot be read ({reason}).",
        "签名内的电子印章签章无法读取（{reason}）。",
    ),
    "PDF_SES_SIGNER_DISAGREES": (
        "The electronic seal was used with another certificate than the signature around it.",
        "电子印章签章所用证书与外层签名的证书不一致。",
    ),
    "PDF_SES_TIME_DISAGREES": (
        "The electronic seal states the time {found}, the signature {stated}.",
        "电子印章签章的时间为 {found}，签名的时间为 {stated}。",
    ),
    "PDF_SES_RANGE_DISAGREES": (
        "The electronic seal names another range ({stated}) than the signature covers ({found}).",
        "电子印章签章所述范围（{stated}）与签名覆盖范围（{found}）不一致。",
    ),
    "PDF_SUBFILTER_PRIVATE": (
        "The signature is of the kind {sub_filter}, whose rules are not published.",
        "签名类型 {sub_filter} 的规则未公开。",
    ),
    "PDF_SUBFILTER_DISAGREES": (
        "The dictionary says {sub_filter}, and the value is a sealing value of GB/T 38540.",
        "签名字典标为 {sub_filter}，签名值实为 GB/T 38540 电子印章签章数据。",
    ),
}

# OFD: GB/T 33190-2016, GM/T 0099-2020
OFD: Final = {
    # the file
    "OFD_UNREADABLE": ("The file cannot be read as an OFD document ({reason}).", "文件无法作为 OFD 文档读取（{reason}）。"),
    "OFD_NOT_SIGNED": ("The document carries no seal and no signature.", "文档中没有签章或签名。"),
    "OFD_ENCRYPTED": ("The document is encrypted; its contents were not examined.", "文档已加密，其内容未作核查。"),
    "OFD_CONTAINER_BAD": (
        "The records of the package disagree about {path} ({reason}); readers can see different documents.",
        "包内关于 {path} 的记录互相矛盾（{reason}），不同阅读器可能看到不同内容。",
    ),
    "OFD_CONTAINER_STRAY": ("The package holds bytes that belong to no file ({reason}).", "包内有不属于任何文件的数据（{reason}）。"),
    "OFD_NAME_ENCODING": ("The encoding of the name {path} is not stated; it was guessed.", "文件名 {path} 未注明编码，按推测解读。"),
    "OFD_PART_MISSING": ("The file {path}, which {by} refers to, is not in the package.", "{by} 引用的文件 {path} 不在包内。"),
    "OFD_PART_UNREADABLE": ("The part {path} cannot be read ({reason}).", "部件 {path} 无法读取（{reason}）。"),
    "OFD_PART_REFUSED": (
        "The part {path} holds constructs that no honest document has ({reason}).",
        "部件 {path} 含有正常文档不应有的结构（{reason}）。",
    ),
    "OFD_LOCATION_VARIANT": (
        "The file {path} was found in another way than the standard says ({reason}); this is tolerated.",
        "文件 {path} 的定位方式与标准不同（{reason}），予以容许。",
    ),
    "OFD_NAMESPACE_VARIANT": (
        "The document uses the namespace {reason} instead of the standard's.",
        "文档使用的命名空间为 {reason}，与标准不同。",
    ),
    "OFD_TOO_MANY_PARTS": (
        "The document has more parts of one kind than are examined ({reason}).",
        "文档中同类部件过多，未全部核查（{reason}）。",
    ),
    "OFD_FINDINGS_LEFT_OUT": ("{count} more findings of the kind {code} are not shown.", "另有 {count} 项 {code} 未列出。"),
    # what is signed
    "OFD_SIGNATURES_UNREADABLE": ("The list of signatures {path} cannot be read ({reason}).", "签名列表 {path} 无法读取（{reason}）。"),
    "OFD_SIGNATURE_UNREADABLE": ("The signature {path} cannot be read ({reason}).", "签名描述 {path} 无法读取（{reason}）。"),
    "OFD_SIGNATURE_REPEATED": ("The signature {path} is listed more than once.", "签名 {path} 被重复列出。"),
    "OFD_SIGNATURE_REMOVED": (
        "The signature {path} was taken off the list after a later signature had protected it.",
        "签名 {path} 曾受后来签名的保护，之后被移出签名列表。",
    ),
    "OFD_SIGNATURE_UNLISTED": ("The signature {path} stands in the package but is not listed.", "包内的签名 {path} 未列入签名列表。"),
    "OFD_TOO_MANY_SIGNATURES": (
        "The document carries {found} signatures; only {limit} were checked.",
        "文档含 {found} 个签名，只核验了 {limit} 个。",
    ),
    "REF_HASH_OK": ("All {count} protected files are unchanged.", "全部 {count} 个受保护的文件未被改动。"),
    "REF_NONE": ("The signature names no file that it protects.", "签名未列出任何受保护的文件。"),
    "REF_NOT_CHECKED": ("The protected file {path} was not compared ({reason}).", "受保护的文件 {path} 未作比对（{reason}）。"),
    "REF_DIGEST_UNKNOWN": (
        "The digest algorithm {algorithm} of the protected files is not known here.",
        "受保护文件的杂凑算法 {algorithm} 未知。",
    ),
    "REF_DIGEST_WEAK": (
        "The protected files are bound by {algorithm} only, which can be forged.",
        "受保护文件仅以 {algorithm} 绑定，该算法可被伪造。",
    ),
    "REF_DIGEST_ALIAS": (
        "The digest algorithm is named {algorithm}, which means another one; SM3 was meant, and this is tolerated.",
        "杂凑算法标识为 {algorithm}，实为 SM3，予以容许。",
    ),
    "REF_DIGEST_UNSTATED": (
        "The digest algorithm of the protected files is not stated; by its length it is SM3.",
        "未注明受保护文件的杂凑算法，按长度判断为 SM3。",
    ),
    "OFD_OLDER_VERSION_UNPROTECTED": (
        "The file {path} belongs to an older version only and is not protected.",
        "文件 {path} 仅属于旧版本，不在保护范围内。",
    ),
    "OFD_DOCUMENT_LOCKED": ("The signature closes the document: none may follow.", "此签名锁定文档，其后不得再签。"),
    "OFD_LOCK_BROKEN": (
        "The signature closed the document, and its list of signatures was changed afterwards ({others} others are listed).",
        "此签名已锁定文档，但其后签名列表被改动（另列有 {others} 个签名）。",
    ),
    "OFD_STAMP_BAD": (
        "The place of the seal on page {page} cannot be shown as stated ({reason}).",
        "页面 {page} 上的印章位置无法按所述显示（{reason}）。",
    ),
    "OFD_SEAL_FILE_MISSING": ("The separate seal file {path} is missing.", "缺少单独存放的印章文件 {path}。"),
    "SEAL_FILE_OK": ("The separate seal file is the seal in the signature.", "单独存放的印章与签名中的印章一致。"),
    "SIGNED_VALUE_UNREADABLE": ("The signature value is in no form known here.", "签名值的格式未知。"),
    "OFD_TYPE_DISAGREES": ("The signature is stated as {stated} and is {found}.", "签名声明的类型为 {stated}，实为 {found}。"),
    "OFD_SIGN_FORM_VARIANT": (
        "The signature covers the document by a less usual form ({form}); this is tolerated.",
        "签名以较少见的形式（{form}）覆盖文档，予以容许。",
    ),
    "OFD_PROPERTY_OK": ("The signature names the file it stands for.", "签名指明了其所对应的文件。"),
    "OFD_PROPERTY_DISAGREES": (
        "The signature was made for {stated} and stands at {found}.",
        "签名对应的文件为 {stated}，实际位于 {found}。",
    ),
    "OFD_METHOD_DISAGREES": (
        "The stated signature algorithm {stated} is not the one used ({found}).",
        "声明的签名算法 {stated} 与实际使用的（{found}）不同。",
    ),
    "OFD_TIME_DISAGREES": (
        "The time in the description of the signature ({stated}) is not the signed one ({found}).",
        "签名描述中的时间（{stated}）与签名内的时间（{found}）不一致。",
    ),
    # the list against smuggled files
    "OFD_INTEGRITY_UNREADABLE": ("The list of files {path} cannot be read ({reason}).", "完整性保护文件 {path} 无法读取（{reason}）。"),
    "OFD_INTEGRITY_LIST_OK": ("The package holds exactly the {count} listed files.", "包内文件与清单所列 {count} 个文件相符。"),
    "OFD_INTEGRITY_UNLISTED": ("The file {path} is not in the signed list of files.", "文件 {path} 不在已签名的文件清单中。"),
    "OFD_INTEGRITY_MISSING": ("The listed file {path} is missing.", "缺少清单所列的文件 {path}。"),
    "OFD_INTEGRITY_NO_DIGESTS": (
        "The list names {count} files whose content nothing proves (such as {path}).",
        "清单中有 {count} 个文件的内容未经任何证明（如 {path}）。",
    ),
}
