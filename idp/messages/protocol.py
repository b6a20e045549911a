"""Entries of the error catalogue about pushed and signed requests, devices, token exchange and trust tickets."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

TEXTS: Final = tuple(
    ProblemText(*row)
    for row in (
        ("REQUEST_OBJECT_INVALID", "Signed request not accepted", "签名请求不被接受", "The request object is not signed by a key of the client, not for this provider, or its time is over; `facts` names the rule.", "请求对象不是由该客户端密钥签名、不是发给本服务，或已过期，规则见 facts。", "Sign each request anew (RFC 9101) with a registered key: `iss` and `client_id` are the client's id, `aud` the issuer, `exp` within the hour.", "请用已登记的密钥重新签名请求（RFC 9101）：iss 与 client_id 为客户端标识，aud 为签发者，exp 在一小时内。"),
        ("DEVICE_UNKNOWN", "Code not known", "设备码无效", "No device waits under this code: it is mistyped, too old or used already, or too many were tried from here.", "没有设备在等待此代码：可能输入有误、已过期、已使用，或本机尝试次数过多。", "Compare it with the code on the device. If it is the same, begin anew on the device.", "请与设备上显示的代码核对；若一致，请在设备上重新发起。"),
        ("DEVICE_PENDING", "Nobody has signed in yet", "尚未登录", "The person has not yet finished signing in for the device.", "用户尚未为该设备完成登录。", "Ask again after `interval` seconds.", "请在 interval 秒后再次查询。"),
        ("DEVICE_TOO_SOON", "Asked too often", "查询过于频繁", "The device did not wait as long as it was told; the interval has become longer.", "设备未按要求等待，间隔已延长。", "Add five seconds to the interval and go on.", "请将间隔增加五秒后继续查询。"),
        ("DEVICE_REFUSED", "Refused by the person", "用户已拒绝", "The person at the sign-in page refused the device.", "用户在登录页面拒绝了该设备。", "Begin anew if the person wants to.", "如用户同意，请重新发起。"),
        ("DEVICE_EXPIRED", "Device code expired", "设备码已过期", "Nobody signed in within the time the code was good for.", "在设备码有效期内无人登录。", "Begin anew.", "请重新发起。"),
        ("DEVICE_CODE_INVALID", "Device code not accepted", "设备码不被接受", "The device code is unknown, another client's, or has been used.", "设备码未知、属于其他客户端或已被使用。", "Begin anew.", "请重新发起。"),
        ("EXCHANGE_REFUSED", "Exchange refused", "令牌交换被拒绝", "The token is not one of a person that was issued or sent to this client, or it is asked for in a way that is not supported; `facts` names the rule.", "该令牌不是签发或发送给本客户端的个人令牌，或请求方式不受支持，规则见 facts。", "Exchange only tokens that reach this client as the resource server it is registered for (`serves`), for an audience it may call. Trust tickets are for tokens issued to this client itself.", "仅交换发送给本客户端所登记资源（serves）的令牌，目标应为其可调用的受众；信任票据仅凭签发给本客户端自身的令牌申请。"),
        ("TICKET_INVALID", "Trust ticket not accepted", "信任票据不被接受", "The ticket is unknown, another client's, older than a minute, or this client has changed since it was issued; the audit trail says which.", "票据未知、属于其他客户端、已超过一分钟，或其签发后本客户端已变更；原因见审计记录。", "Send the person back to the application he came from, for a new ticket.", "请让用户返回来源应用重新获取票据。"),
        ("TICKET_REUSED", "Trust ticket used before", "信任票据已被使用", "The ticket has been redeemed already; what it gave has been ended.", "票据已兑换过，首次兑换所得授权已终止。", "Send the person back for a new ticket. If the first use was not yours, tell the operator.", "请让用户重新获取票据；若首次兑换并非本方所为，请告知运维人员。"),
    )
)  # fmt: skip
register(*TEXTS)
