"""One sentence, in English and in Chinese, for every code that a step of any verifier can carry.

Facts of the step fill the placeholders; a fact that is missing shows as a dash, so that a sentence can always be made. Whoever adds a
code adds its line at the end of the block it belongs to; ``tests/crypto/test_report_text.py`` finds codes without one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from crypto.report import Step

_MISSING: Final = "–"

# Signature containers: RFC 5652, GB/T 35275
_SIGNATURE: Final = {
    "OK": ("The step passed.", "本步骤通过。"),
    "CMS_FORMAT_OK": ("The signature is a well-formed SignedData.", "签名数据格式正确。"),
    "CMS_MALFORMED": ("The signature data cannot be read ({reason}).", "签名数据无法解析（{reason}）。"),
    "CMS_ENCODING_NONDER": (
        "The signature is encoded in BER instead of DER ({reason}); this is tolerated.",
        "签名数据采用 BER 而非 DER 编码（{reason}），予以容许。",
    ),
    "CMS_VERSION_UNEXPECTED": (
        "{where} states version {found}, which does not fit its contents.",
        "{where} 的版本号 {found} 与其内容不符。",
    ),
    "GBT35275_DEVIATION": (
        "The signature deviates from GB/T 35275 in: {fields}.",
        "签名数据与 GB/T 35275 不一致之处：{fields}。",
    ),
    "CMS_SIGNER_COUNT": ("The signature holds {found} signers; exactly one is allowed.", "签名数据含 {found} 个签名者，只允许有一个。"),
    "CMS_CONTENT_EMBEDDED": (
        "A detached signature carries content of its own ({size_bytes} bytes), which is not allowed.",
        "分离式签名中夹带了内容（{size_bytes} 字节），不允许。",
    ),
    "CMS_CONTENT_MISSING": ("The content that was signed is not at hand.", "缺少被签名的内容。"),
    "CMS_CONTENT_TYPE_BAD": ("The signed content is of a kind not expected here ({found}).", "被签名内容的类型（{found}）不符合要求。"),
    "CMS_CONTENT_TYPE_MISMATCH": (
        "The content-type attribute states {stated}, the content is {found}.",
        "内容类型属性为 {stated}，实际内容类型为 {found}。",
    ),
    "CMS_CONTENT_TYPE_ALIAS": (
        "The content-type attribute uses the other identifier for plain data; this is tolerated.",
        "内容类型属性使用了“数据”类型的另一标识，予以容许。",
    ),
    "CMS_ATTRIBUTES_OK": ("The signed attributes are complete and fit the content.", "签名属性完整且与内容一致。"),
    "CMS_ATTRIBUTES_MISSING": ("Signed attributes that must be there are missing ({attribute}).", "缺少必需的签名属性（{attribute}）。"),
    "CMS_ATTRIBUTES_CONFUSED": (
        "The signed content is itself a set of signature attributes: it was taken from another signature.",
        "被签名内容本身是一组签名属性，系取自另一签名。",
    ),
    "CMS_ATTRIBUTE_DUPLICATE": ("The attribute {attribute} occurs more than once.", "属性 {attribute} 重复出现。"),
    "CMS_ATTRIBUTE_MISPLACED": (
        "The attribute {attribute} stands among the {where} attributes, where it is not allowed.",
        "属性 {attribute} 出现在不允许的位置（{where}）。",
    ),
    "CMS_UNSIGNED_ATTRIBUTE_IGNORED": (
        "The unsigned attribute {attribute} holds further evidence and was not used.",
        "未签名属性 {attribute} 含附加证据，未予使用。",
    ),
    "CMS_UNSIGNED_ATTRIBUTE_UNKNOWN": (
        "The unsigned attribute {attribute} is not known and could not be checked.",
        "未签名属性 {attribute} 未知，无法核验。",
    ),
    "CMS_CERTIFICATE_UNREADABLE": ("A certificate in the signature cannot be read ({reason}).", "签名中的某张证书无法解析（{reason}）。"),
    "CMS_SIGNING_CERTIFICATE_OK": ("The signature names the certificate that was used.", "签名所声明的证书与所用证书一致。"),
    "CMS_SIGNING_CERTIFICATE_MISSING": (
        "The signature does not say which certificate it was made with.",
        "签名未声明所使用的证书。",
    ),
    "CMS_SIGNING_CERTIFICATE_MISMATCH": (
        "The certificate is not the one the signature was made with.",
        "证书并非签名时所用的证书。",
    ),
    "CMS_SIGNING_CERTIFICATE_V1": (
        "The signature names its certificate by an outdated digest ({digest}).",
        "签名以过时的摘要算法（{digest}）声明证书。",
    ),
    "CMS_DIGEST_ALGORITHM_DISAGREES": (
        "The digest algorithm {digest} does not agree with {where}.",
        "摘要算法 {digest} 与 {where} 不一致。",
    ),
    "CMS_ALGORITHM_PROTECTION_OK": ("The algorithms are those that the signer protected.", "算法与签名者保护的一致。"),
    "CMS_ALGORITHM_PROTECTION_BAD": (
        "The algorithms were exchanged after signing ({algorithm}, {digest}).",
        "签名后算法被替换（{algorithm}、{digest}）。",
    ),
    "CMS_DIGEST_OK": ("The content is the one that was signed: its digest matches.", "内容摘要一致，即为当时签名的内容。"),
    "CMS_DIGEST_MISMATCH": (
        "The content is not the one that was signed: its digest differs.",
        "内容摘要不一致，内容在签名后被改动。",
    ),
    "SIG_VALUE_OK": ("The signature value verifies with the signer's public key.", "签名值经签名者公钥验证通过。"),
    "SIG_VALUE_BAD": ("The signature value does not verify with the signer's public key.", "签名值未通过签名者公钥验证。"),
    "SIG_ALGORITHM_UNSUPPORTED": ("The algorithm {algorithm} is not supported.", "不支持算法 {algorithm}。"),
    "SIG_ALGORITHM_WEAK": ("The algorithm {algorithm} is too weak to rely on.", "算法 {algorithm} 强度不足，不可信赖。"),
    "SIGNER_CERT_ABSENT": ("The signer's certificate is not in the signature.", "签名中没有签名者证书。"),
    "SIG_TIME_UNPROVEN": (
        "Only the signer states the time of signing ({claimed_at}); no time-stamp proves it.",
        "签名时间（{claimed_at}）仅由签名者自称，没有时间戳证明。",
    ),
    "SIG_TIME_IN_FUTURE": (
        "The stated time of signing, {claimed_at}, lies after the time of verification, {at}.",
        "所声明的签名时间 {claimed_at} 晚于验证时间 {at}。",
    ),
    "SIG_TIME_AFTER_TIMESTAMP": (
        "The signer states a later time ({claimed_at}) than the time-stamp ({gen_at}).",
        "签名者声明的时间（{claimed_at}）晚于时间戳（{gen_at}）。",
    ),
}

# Time-stamps: RFC 3161, GB/T 20520
_TIMESTAMP: Final = {
    "TS_OK": ("The time-stamp of {gen_at} is genuine.", "时间戳（{gen_at}）有效。"),
    "TS_IMPRINT_OK": ("The time-stamp belongs to what was stamped.", "时间戳与被盖时间戳的数据一致。"),
    "TS_IMPRINT_BAD": (
        "The time-stamp belongs to something else; its time proves nothing here.",
        "时间戳属于其他数据，其时间不能作为证明。",
    ),
    "TS_BAD": ("The time-stamp is not sound ({reason}).", "时间戳无效（{reason}）。"),
    "TS_UNTRUSTED": (
        "The time-stamp authority is not known to be trusted ({reason}).",
        "无法确认时间戳服务机构可信（{reason}）。",
    ),
    "TS_TSA_CERT_BAD": ("The certificate of the time-stamp authority is not good ({reason}).", "时间戳服务机构的证书不合格（{reason}）。"),
    "TS_TIME_IN_FUTURE": (
        "The time-stamp states {gen_at}, which lies after the time of verification, {at}.",
        "时间戳时间 {gen_at} 晚于验证时间 {at}。",
    ),
    "TS_EXTENSIONS_IGNORED": ("The time-stamp has extensions that were not used.", "时间戳含有未使用的扩展项。"),
    "TS_TOO_MANY": (
        "The signature carries {found} time-stamps; at most {limit} are checked.",
        "签名带有 {found} 个时间戳，最多核验 {limit} 个。",
    ),
    "TS_BEFORE_CREATE": ("The time-stamp is older than what it stamps.", "时间戳早于被盖时间戳的数据。"),
}

# Certificates, chains and revocation: RFC 5280, GB/T 20518
_CERTIFICATE: Final = {
    "CERT_CHAIN_OK": ("The certificate chain leads to the trust anchor {anchor}.", "证书链通向信任锚 {anchor}。"),
    "CERT_CHAIN_BAD": ("The certificate chain does not hold at {certificate} ({reason}).", "证书链在 {certificate} 处不成立（{reason}）。"),
    "CERT_NO_ANCHOR": (
        "No trust anchor is known for the certificate {certificate} ({reason}).",
        "证书 {certificate} 没有已知的信任锚（{reason}）。",
    ),
    "CERT_USAGE_OK": ("The certificate may be used for this purpose ({purpose}).", "证书可用于此用途（{purpose}）。"),
    "CERT_USAGE_BAD": (
        "The certificate {certificate} may not be used for this purpose ({reason}).",
        "证书 {certificate} 不得用于此用途（{reason}）。",
    ),
    "CERT_TIME_OK": ("Every certificate was valid at {at}.", "各证书在 {at} 时均在有效期内。"),
    "CERT_NOT_VALID_AT_TIME": (
        "The certificate {certificate} was not valid at {at} ({reason}).",
        "证书 {certificate} 在 {at} 时不在有效期内（{reason}）。",
    ),
    "CERT_EXPIRED_AFTER": (
        "The certificate {certificate} was valid at the relevant time and has expired since ({expired_at}).",
        "证书 {certificate} 在相关时间有效，此后（{expired_at}）已过期。",
    ),
    "CERT_REVOCATION_OK": ("The certificate {certificate} was not revoked ({source}).", "证书 {certificate} 未被撤销（{source}）。"),
    "CERT_REVOCATION_NOT_AVAILABLE": (
        "The certificate {certificate} says that no revocation data exist for it.",
        "证书 {certificate} 声明不提供撤销信息。",
    ),
    "CERT_REVOCATION_NOT_PUBLISHED": (
        "The issuers under {anchor} publish no revocation data, so none was checked for {certificate}.",
        "信任锚 {anchor} 下不发布撤销信息，未核验证书 {certificate} 的撤销状态。",
    ),
    "CERT_REVOKED_BEFORE": (
        "The certificate {certificate} had been revoked by then ({revoked_at}).",
        "证书 {certificate} 在此之前（{revoked_at}）已被撤销。",
    ),
    "CERT_REVOKED_AFTER": (
        "The certificate {certificate} was good at the relevant time and was revoked later ({revoked_at}).",
        "证书 {certificate} 在相关时间有效，之后（{revoked_at}）被撤销。",
    ),
    "CERT_REVOCATION_UNKNOWN": (
        "Whether the certificate {certificate} was revoked is not known ({status}).",
        "无法确定证书 {certificate} 是否被撤销（{status}）。",
    ),
    "CERT_WEAK_ALGORITHM": (
        "The chain of {certificate} rests on an algorithm too weak to rely on.",
        "证书 {certificate} 的证书链使用了强度不足的算法。",
    ),
    "CERT_PROFILE_DEVIATION": (
        "The certificate {certificate} deviates from the national profile in: {deviation}.",
        "证书 {certificate} 与国家标准格式不一致之处：{deviation}。",
    ),
    "CERT_DIGEST_ALG_UNKNOWN": ("A certificate digest uses an unknown algorithm ({algorithm}).", "证书摘要所用算法（{algorithm}）未知。"),
}

# Electronic seals: GB/T 38540, GM/T 0031
_SEAL: Final = {
    "SES_MALFORMED": ("The seal data cannot be read ({reason}).", "印章数据无法解析（{reason}）。"),
    "SES_VERSION_UNKNOWN": ("The seal data state the unknown version {found}.", "印章数据的版本号 {found} 未知。"),
    "SES_VERSION_MISMATCH": ("Seal and signature state different versions.", "印章与签名的版本号不一致。"),
    "SES_ENCODING_NONDER": ("The seal data are not encoded in strict DER; this is tolerated.", "印章数据不是严格的 DER 编码，予以容许。"),
    "SES_RAW_RS": ("The signature value is a bare pair of numbers; this is tolerated.", "签名值为裸 r‖s 形式，予以容许。"),
    "SES_OID_ALIAS": ("The signature algorithm has an older identifier; this is tolerated.", "签名算法使用旧标识，予以容许。"),
    "SES_TAG_VARIANT": ("A field is tagged in another way than the standard says; this is tolerated.", "某字段标签与标准不同，予以容许。"),
    "SES_CRITICAL_EXT_UNKNOWN": ("The seal has an unknown critical extension ({extension}).", "印章含未知的关键扩展项（{extension}）。"),
    "SEAL_SIG_BAD": ("The maker's signature on the seal does not verify.", "印章的制章者签名验证不通过。"),
    "SEAL_MAKE_TIME_BAD": ("The seal was made outside the validity of the maker's certificate.", "制章时间不在制章者证书有效期内。"),
    "SEAL_NOT_YET_VALID": ("The seal was not yet valid at the time of signing.", "签名时印章尚未生效。"),
    "SEAL_EXPIRED_AT_SIGNING": ("The seal had expired at the time of signing.", "签名时印章已过期。"),
    "SEAL_EXPIRED_NOW": ("The seal has expired since.", "印章现已过期。"),
    "SEAL_REVOKED": ("The seal has been revoked.", "印章已被撤销。"),
    "SEAL_STATUS_UNKNOWN": ("The status of the seal is not known.", "印章状态未知。"),
    "SIGNER_NOT_IN_SEAL": ("The signer's certificate is not listed in the seal.", "签名者证书不在印章的证书列表中。"),
    "DATA_HASH_BAD": ("The original data are not those that were sealed.", "原文杂凑值不一致，原文被改动。"),
    "DATA_HASH_ZA_VARIANT": (
        "The digest includes the signer's identity; this reading is tolerated.",
        "杂凑值按含 Z_A 的方式计算，予以容许。",
    ),
    "DATA_MISSING": ("The original data are missing.", "缺少原文。"),
}

# Containers: GB/T 33190, GM/T 0099
_CONTAINER: Final = {
    "REF_HASH_BAD": ("The protected file {path} was changed.", "受保护的文件 {path} 被改动。"),
    "REF_MISSING": ("The protected file {path} is missing.", "缺少受保护的文件 {path}。"),
    "SIGNED_VALUE_MISSING": ("The signature value is missing.", "缺少签名值。"),
    "SEAL_FILE_MISMATCH": ("The separate seal file differs from the seal in the signature.", "单独存放的印章与签名中的印章不一致。"),
    "OFD_ENTRY_UNPROTECTED": (
        "The entry file is outside the protected files; its information is not proven.",
        "入口文件不在保护范围内，其信息未经证明。",
    ),
    "UNPROTECTED_REACHABLE": ("The file {path} can be shown but is not protected.", "文件 {path} 可被显示但不在保护范围内。"),
    "UNPROTECTED_UNREFERENCED": ("The file {path} is not protected and not used.", "文件 {path} 未受保护且未被引用。"),
    "DUPLICATE_ENTRY": ("The container holds {path} more than once.", "容器中 {path} 重复。"),
    "BAD_PATH": ("The container holds the unsafe path {path}.", "容器中含不安全路径 {path}。"),
}

# Files as a whole, before any container is known
_FILE: Final = {
    "FILE_TOO_LARGE": ("The file is larger than {limit_bytes} bytes.", "文件超过 {limit_bytes} 字节。"),
    "FORMAT_UNSUPPORTED": (
        "No signature format known here was found; known are: {supported}.",
        "未发现已知的签名格式，支持：{supported}。",
    ),
}

# PDF: ISO 32000-2, ETSI EN 319 142-1
_PDF: Final[dict[str, tuple[str, str]]] = {
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
}

SENTENCES: Final[dict[str, tuple[str, str]]] = {**_SIGNATURE, **_TIMESTAMP, **_CERTIFICATE, **_SEAL, **_CONTAINER, **_FILE, **_PDF}
BLOCKS: Final = (_SIGNATURE, _TIMESTAMP, _CERTIFICATE, _SEAL, _CONTAINER, _FILE, _PDF)


class _Facts(dict[str, object]):
    """Facts for a sentence; whatever is missing shows as a dash."""

    def __missing__(self, key: str) -> str:
        return _MISSING


def sentence(step: Step, language: str = "en") -> str:
    """What a step says, for a human reader: Chinese where ``language`` begins with ``zh``, else English.

    A code without a sentence is shown as it is.
    """
    templates = SENTENCES.get(step.code)
    if templates is None:
        return step.code
    template = templates[1] if language.lower().startswith("zh") else templates[0]
    return template.format_map(_Facts((name, fact) for name, fact in step.facts.items() if fact is not None))
