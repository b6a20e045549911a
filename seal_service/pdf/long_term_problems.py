"""The entries of long-term validation and of revisions in the error catalogue; :mod:`problem_catalogue` enters them with its own."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText

LONG_TERM: Final = (
    ProblemText(
        "SEALED_REVISION_LOST",
        "What was sealed cannot be had any more",
        "无法恢复签章时的版本",
        "No signature of the document covers bytes that are still whole: they were changed inside what was sealed, or it was never sealed.",
        "文件中没有签名所覆盖的内容仍然完整：签章范围内的字节已被改动，或文件从未签章。",
        "Ask whoever sealed it for the original; the record of the use names its digest.",
        "请向签章方索取原件；用章记录中有其摘要。",
    ),
    ProblemText(
        "PDF_EVIDENCE_MISSING",
        "Nothing shows a certificate good",
        "缺少证书未撤销的证据",
        "Neither the trust list, nor the document, nor what was given shows that a certificate is not revoked now.",
        "信任列表、文件及所给材料均不能证明某证书目前未被撤销。",
        "Publish or hand over a current revocation list or OCSP response of its issuer, then try again.",
        "请发布或提供签发者当前的撤销列表或 OCSP 响应后重试。",
    ),
    ProblemText(
        "PDF_CHAIN_UNKNOWN",
        "Signer not known here",
        "签名者不在信任列表内",
        "A signature of the document leads to no authority of the trust list, so what will show it good later is not known.",
        "文件中某签名无法追溯到信任列表中的机构，无法确定将来验证所需的材料。",
        "Add the authority to the trust list, where it deserves that.",
        "如该机构可信，请将其加入信任列表。",
    ),
    ProblemText(
        "PDF_STORE_FULL",
        "Too much validation data",
        "验证数据过多",
        "The document would carry more certificates, lists or responses than a verifier reads.",
        "文件所含证书、撤销列表或响应数量超过验证程序读取的上限。",
        "Archive the document with a record of its own; it cannot be carried on in itself.",
        "请另行建立归档记录；该文件无法继续自身延展。",
    ),
)
