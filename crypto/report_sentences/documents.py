"""Sentences on files and PDF documents."""

from __future__ import annotations

from typing import Final

# Files as a whole, before any container is known
FILE: Final = {
    "FILE_TOO_LARGE": ("The file is larger than {limit_bytes} bytes.", "文件超过 {limit_bytes} 字节。"),
    "FORMAT_UNSUPPORTED": (
        "No signature format known here was found; known are: {supported}.",
        "未发现已知的签名格式，支持：{supported}。",
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
        "A later revision does not continue the signed one as the standard demands.",
        "后续修订未按标准接续已签名的修订。",
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
    "PDF_SIGNATURE_REMOVED": ("A signature of an earlier revision was removed ({field}).", "较早修订中的签名被删除（{field}）。"),
}
