"""What the pages around the documents say: (Chinese, English). A template that asks for a text that is not here fails."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "service": ("印信帮助", "Yinxin help"),
    "tutorials": ("入门教程", "Tutorials"),
    "how-to": ("操作指南", "How-to guides"),
    "reference": ("参考", "Reference"),
    "explanation": ("原理说明", "Explanation"),
    "for_operators": ("运维人员", "For operators"),
    "for_administrators": ("印章管理员", "For seal administrators"),
    "for_officers": ("证照签发人", "For officers who issue licences"),
    "for_verifiers": ("核验人员", "For verifiers"),
    "for_citizens": ("持证人", "For holders of licences"),
    "for_developers": ("开发人员", "For developers"),
    "generated": ("由程序生成", "Made from the program"),
    "seals": ("电子印章", "Seals"),
    "licences": ("电子证照", "Licences"),
    "sign_in": ("统一身份认证", "Sign-in"),
    "common": ("通用", "Common"),
    "further": ("其他", "Further"),
    "api": ("接口文档", "API"),
    "api_hint": ("可直接试用的接口文档", "The API, with forms to try it"),
    "errors": ("错误代码", "Error codes"),
    "search": ("搜索", "Search"),
    "search_hint": ("关键字", "Words"),
    "search_for": ("搜索帮助内容", "Search the help"),
    "found": ("{count} 处结果", "{count} results"),
    "found_none": (
        "未找到“{query}”。请换一个词，或从目录查找。",
        "Nothing found for “{query}”. Try another word, or look in the contents.",
    ),
    "contents": ("目录", "Contents"),
    "on_this_page": ("本页内容", "On this page"),
    "only_english": ("本页目前只有英文。", "This page is in English."),
    "only_chinese": ("本页为中文。", "This page exists in Chinese only."),
    "cause": ("原因", "Why"),
    "remedy": ("处理办法", "What to do"),
    "code": ("代码", "Code"),
    "meaning": ("含义", "Meaning"),
    "errors_lead": (
        "接口每次报错都会给出一个稳定的代码（code）。程序应按代码判断，不要按文字判断。",
        "Every error answer carries a stable code. Programs decide by the code, never by the words.",
    ),
    "all_errors": ("全部错误代码", "All error codes"),
    "api_title": ("接口文档", "API reference"),
    "api_plain": ("无脚本版本", "Plain version, without scripts"),
    "api_script": ("试用接口需要启用脚本；不启用时请看：", "Trying the API needs scripts; without them read the"),
    "api_note": (
        "调用直接发往本服务，不经过任何其他服务器。先点“Authorize”，填写客户端标识和密钥取得令牌。",
        "Calls go to this service and nowhere else. Begin with “Authorize”: client id and secret give a token.",
    ),
}
