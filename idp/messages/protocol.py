"""Entries of the error catalogue about pushed and signed requests, devices, token exchange and trust tickets."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

TEXTS: Final = tuple(
    ProblemText(*row)
    for row in (
        ("REQUEST_OBJECT_INVALID", "Signed request not accepted", "签名请求不被接受", "The request object is not signed by a key of the client, not for this provider, or its time is over; `facts` names the rule.", "请求对象不是由该客户端密钥签名、不是发给本服务，或已过期，规则见 facts。", "Sign each request anew (RFC 9101) with a registered key: `iss` and `client_id` are the client's id, `aud` the issuer, `exp` within the hour.", "请用已登记的密钥重新签名请求（RFC 9101）：iss 与 client_id 为客户端标识，aud 为签发者，exp 在一小时内。"),
    )
)  # fmt: skip
register(*TEXTS)
