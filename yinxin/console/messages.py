"""The console's entries in the error catalogue."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

TEXTS: Final = (
    ProblemText(
        "API_UNREACHABLE",
        "The service behind this page does not answer",
        "页面所需的服务没有应答",
        "The page could not reach the API, or the API was too slow.",
        "页面无法连接 API，或 API 响应过慢。",
        "Try again; where it stays so, tell your operator: `yinxin doctor` and console.api_url show why.",
        "请稍后重试；若仍不行，请联系运维人员，通过 `yinxin doctor` 和 console.api_url 查明原因。",
    ),
    ProblemText(
        "DRAFT_GONE",
        "The document is not kept any more",
        "暂存的文件已不存在",
        "Documents wait an hour to be sealed, and a few at a time; it was sealed, took too long, or others took its place.",
        "待签章文件最多暂存一小时，且每人数量有限；该文件已签章、已超时或已被后来的文件替换。",
        "Hand it in again.",
        "请重新上传该文件。",
    ),
    ProblemText(
        "HOLDER_UNKNOWN",
        "Nobody is known by this name",
        "找不到此人员或应用",
        "What was typed is neither the login name of an account here, nor the id of a client, nor a name of rights.",
        "所填内容既不是本地账户的登录名，也不是应用标识或权限标识。",
        "Check the login name or the id of the client; the person sees his name of rights on his first page of the console.",
        "请核对登录名或应用标识；本人的权限标识见其管理台首页。",
    ),
    ProblemText(
        "LICENCE_ISSUER_KNOWN",
        "Issuing authority entered already",
        "该颁发机构已登记",
        "An authority with this credit code has been entered before; entering it anew would change it unseen.",
        "此统一社会信用代码的机构已登记；重复登记会在不知情下改动其信息。",
        "Change what is known of it on its own page, which is shown.",
        "如需更改，请在所示的机构页面修改。",
    ),
    ProblemText(
        "LICENCE_SHARING_KNOWN",
        "Permitted already",
        "已有此项授权",
        "The system has a permission for licences of this type; permitting it anew would replace that one unseen.",
        "该应用对此类证照已有授权；重复授权会在不知情下替换原有授权。",
        "Change the permission that is shown, if that is what you want.",
        "如需更改，请修改所示的授权。",
    ),
    ProblemText(
        "SIGNED_OUT_AGAIN",
        "Signed out at once",
        "登录后立即失效",
        "The sign-in worked, but what it gave counted for nothing a moment later: the clocks differ, or somebody ends your sessions.",
        "登录成功，但凭证随即失效：服务器时钟不一致，或有人正在结束您的会话。",
        "Wait a minute and sign in again; tell your operator where it happens again.",
        "请稍等一分钟后重新登录；若再次发生，请联系运维人员。",
    ),
)
register(*TEXTS)
