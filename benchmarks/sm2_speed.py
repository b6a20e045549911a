"""SM2 through our API against what ``openssl speed`` reaches in the same run."""

from __future__ import annotations

import re
import statistics
import subprocess
import time

from crypto.sm2 import SM2PrivateKey


def openssl_rates(seconds: int) -> tuple[float, float]:
    """Signatures and verifications per CPU second that ``openssl speed sm2`` prints."""
    out = subprocess.run(["openssl", "speed", "-seconds", str(seconds), "sm2"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"SM2[^\n]*?s\s+([\d.]+)\s+([\d.]+)\s*$", out, re.MULTILINE)
    if found is None:
        raise SystemExit(f"openssl speed printed no SM2 line:\n{out}")
    return float(found[1]), float(found[2])


def our_rates(seconds: float) -> tuple[float, float]:
    """Signatures and verifications of a 32-byte digest per CPU second, strict DER and range checks included."""
    key = SM2PrivateKey.generate()
    digest = bytes(range(32))
    signature = key.sign_digest(digest)
    public = key.public_key

    def check() -> None:
        if not public.verify_digest(signature, digest):
            raise SystemExit("a signature of ours did not verify")

    return _rate(lambda: key.sign_digest(digest), seconds), _rate(check, seconds)


def _rate(job: object, seconds: float) -> float:
    count, begin = 0, time.process_time()
    while time.process_time() - begin < seconds:
        for _ in range(50):
            job()  # type: ignore[operator]
        count += 50
    return count / (time.process_time() - begin)


def compare_with_openssl(rounds: int = 3, seconds: int = 1) -> dict[str, float]:
    """Medians over alternating rounds."""
    theirs, ours = [], []
    for _ in range(rounds):
        theirs.append(openssl_rates(seconds))
        ours.append(our_rates(seconds))
    result: dict[str, float] = {}
    for index, name in enumerate(("sign", "verify")):
        openssl = statistics.median(rates[index] for rates in theirs)
        own = statistics.median(rates[index] for rates in ours)
        result |= {f"{name}_per_second": round(own), f"openssl_{name}_per_second": round(openssl), f"{name}_ratio": round(own / openssl, 3)}
    return result
