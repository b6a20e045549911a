"""Entries in the error catalogue on credentials for wallets: issuing them, and asking for them."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

TEXTS: Final = (
    ProblemText(
        "CREDENTIAL_TOO_LARGE",
        "Licence too large for a credential",
        "证照内容超出凭证容量",
        "The licence says more than 64 KiB of credential can hold; wallets read no more.",
        "证照内容超过 64 KiB 凭证容量，钱包无法读取。",
        "Show the licence file instead of a credential.",
        "请出示证照文件，而非凭证。",
    ),
)

register(*TEXTS)
