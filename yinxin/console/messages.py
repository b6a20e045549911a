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
