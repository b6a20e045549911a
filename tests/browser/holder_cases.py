"""Asking who holds a licence, for the verifier in the browser and the server's: writings that look alike and are not, several holders, copies,
credentials, and files that say nothing of a holder. Both must say the same to each.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from crypto.report import Verdict
from crypto.trust_list import TrustList
from licence_vault.credentials.lanes import LANES, LaneName
from licence_vault.model import AskedHolder, Holder
from licence_vault.verify import DATA_NAME, ORIGINAL_NAME
from standards.rfc9901_sd_jwt import Combined, digest_of, read_combined, read_disclosure, write_combined, write_disclosure
from tests.browser.offline_cases import file_case, licence_case
from tests.licence_vault import test_verify as licences
from tests.licence_vault import test_verify_copy as copies
from tests.licence_vault.credentials import test_verify_credential as credentials
from tests.licence_vault.credentials.wallets import AT as CREDENTIALS_AT
from tests.licence_vault.credentials.wallets import issue, issuers_of, key_of, payload_of, present
from tests.seal_service.ofd import documents
from tests.seal_service.ofd.test_sealed_attacks import sealed

if TYPE_CHECKING:
    from tests.browser.offline_cases import Case

PERSON: Final = licences.LICENCE.holders[0]
OTHERS: Final = (
    Holder("示例社会组织", "12990000YX0000008K", "001"),
    Holder("José Núñez", "P00000001", "414"),
    Holder("\U00020bb7某\U00031350", "11010519491231003x", "111"),
    Holder("ᠪᠠᠲᠤ\u180bᠠ", "X", "999"),
)
"""Beside the first holder: an organisation, a name that Unicode writes in two forms, characters beyond the first plane, Mongolian."""
WIDE: Final = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
OF_HOLDERS: Final = {"holders", None, "name", "code", "code_type"}
"""Names of the disclosures in which a credential says its holders: the list, each of them, and what each is called."""
SAID: Final[tuple[Any, ...]] = (
    *([], None, {}, "x", ["x"], [None], [1.5], [[PERSON.name, PERSON.code]]),
    *([{"name": PERSON.name}], [{"name": 1, "code": PERSON.code}], [{"name": PERSON.name, "code": None}]),
    {"name": PERSON.name, "code": PERSON.code},
    [{"name": PERSON.name, "code": PERSON.code}, "x"],
    [{"name": PERSON.name, "code": PERSON.code}, {"name": "x"}],
    [{"name": "x", "code": "x"}, {"name": PERSON.name, "code": PERSON.code, "more": 1}],
    [{"name": "", "code": ""}],
)
"""What a credential may disclose as its holders, and not all of it is one."""


def spelled(text: str) -> list[str]:
    """The text, and others that a reader may take for it."""
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    cased = [text.lower(), text.upper(), text.swapcase(), text.casefold(), text.translate(WIDE)]
    around = [f"{text}{blank}" for blank in (" ", "\u3000", "\u00a0", "\n", "\0", "\u200b", "\ufeff")] + [f" {text}", f"\ufeff{text}"]
    within = [text[:1] + each + text[1:] for each in (" ", "\u200d", "\u00b7", "\ufe00")]
    others = ["", " ", "x", "__proto__", text[:-1], text[::-1], text * 2, "名" * 500, "\U00020bb7" * 300]
    return list(dict.fromkeys([text, *forms, *cased, *around, *within, *others]))


def asked(holders: tuple[Holder, ...]) -> list[AskedHolder]:
    """Each of them, everything that looks like one of them, and what is put together of two."""
    found = [AskedHolder(one.name, other.code) for one in holders for other in holders]
    found += [AskedHolder(one.code, one.name) for one in holders]
    for one in holders:
        found += [AskedHolder(name, one.code) for name in spelled(one.name)]
        found += [AskedHolder(one.name, code) for code in spelled(one.code)]
    return list(dict.fromkeys(found))


def named(holder: AskedHolder) -> str:
    return f"{holder.name[:20]!r} {holder.code[:20]!r} {len(holder.name)} {len(holder.code)}"


def of_licences() -> list[Case]:
    """Licences of one holder and of several, and annotated copies."""
    everybody = (PERSON, *OTHERS)
    several = licences.changed(replace(licences.LICENCE, holders=everybody))
    cases = [licence_case(f"held by one: {named(each)}", licences.Judge(), holder=each) for each in asked((PERSON,))]
    cases += [licence_case(f"held by several: {named(each)}", several, holder=each) for each in asked(everybody)]
    copy = copies.copy_files()
    right, wrong = AskedHolder(PERSON.name, PERSON.code), AskedHolder(PERSON.name, PERSON.code.lower())
    for holder in (right, wrong):
        judges = {
            "copy": licences.Judge(copy),
            "copy and licence": licences.Judge({**licences.files(), **copy}),
            "copy of nothing": licences.Judge({name: data for name, data in copy.items() if name != ORIGINAL_NAME}),
            "unreadable": licences.Judge({**licences.files(), DATA_NAME: licences.files()[DATA_NAME] + b" "}),
            **{f"seals {verdict}": licences.Judge(verdict=verdict) for verdict in Verdict},
        }
        cases += [licence_case(f"{name}: {named(holder)}", judge, holder=holder) for name, judge in judges.items()]
        cases.append(licence_case(f"original asked: {named(holder)}", licences.Judge(copy), original=True, holder=holder))
        cases.append(licence_case(f"nobody trusted: {named(holder)}", licences.Judge(), TrustList.empty(), holder=holder))
        late = licences.AT + timedelta(days=9999)
        cases.append(licence_case(f"long after: {named(holder)}", licences.Judge(), holder=holder, at=late))
    return cases


def of_credentials() -> list[Case]:
    """Credentials that disclose their holders whole, in part, strangely or not at all."""
    cases: list[Case] = []
    for lane in LaneName:
        rules, issuer, trust, known = LANES[lane], key_of(lane, "issuer"), credentials.trust(lane), issuers_of(lane)
        text = issue(lane)
        cases += [
            file_case(f"{lane} {named(holder)}", text.encode(), trust, CREDENTIALS_AT, known, holder=holder) for holder in asked((PERSON,))
        ]
        right = AskedHolder(PERSON.name, PERSON.code)
        shown = {
            "presented": present(text, lane),
            "without holders": present(text, lane, show=lambda name: name not in OF_HOLDERS),
            "how many hold it": present(text, lane, show=lambda name: name not in OF_HOLDERS - {"holders"}),
            "holders that belong nowhere": present(text, lane, show=lambda name: name != "holders"),
            "nothing shown": present(text, lane, show=lambda _: False),
            "two hold it": issue(lane, data=replace(licences.LICENCE, holders=(OTHERS[0], PERSON))),
        }
        combined = read_combined(text)
        payload = payload_of(combined.token)
        kept = tuple(each for each in combined.disclosures if read_disclosure(each).name not in OF_HOLDERS)
        both = read_combined(shown["two hold it"])
        for number, each in enumerate(both.disclosures):
            rest = tuple(other for other in both.disclosures if other != each)
            shown[f"without the disclosure {number} of two"] = write_combined(Combined(both.token, rest))
        for said in SAID:
            disclosure = write_disclosure("c2FsdHNhbHRzYWx0c2E", "holders", said)
            digests = [*payload["_sd"], digest_of(disclosure.text, rules.digest)]
            told = {"alg": str(rules.algorithm), "typ": "dc+sd-jwt", "kid": issuer.public.key_id}
            token = issuer.sign_raw(told, {**payload, "_sd": digests})
            shown[f"says {said!r}"[:60] + str(len(shown))] = write_combined(Combined(token, (*kept, disclosure.text)))
        for name, each in shown.items():
            cases.append(file_case(f"{lane} {name}", each.encode(), trust, CREDENTIALS_AT, known, holder=right))
        nobody = AskedHolder("", "")
        cases.append(
            file_case(f"{lane} asked of nobody", shown[next(reversed(shown))].encode(), trust, CREDENTIALS_AT, known, holder=nobody)
        )
        cases.append(file_case(f"{lane} of nobody known", text.encode(), trust, CREDENTIALS_AT, holder=right))
        cases.append(file_case(f"{lane} too late", text.encode(), trust, CREDENTIALS_AT + timedelta(days=99), known, holder=right))
    return cases


def of_other_files() -> list[Case]:
    """Files that do not say who holds anything."""
    trust, at = documents.pki().trust_list(), documents.AT
    right = AskedHolder(PERSON.name, PERSON.code)
    files = {kind: sealed(kind) for kind in ("single", "signed")} | {"no archive": b"PK\x03\x04 ofd.xml"}
    return [file_case(f"no licence: {name}", data, trust, at, holder=right) for name, data in files.items()]


def holder_cases() -> list[Case]:
    """All of them."""
    return [*of_licences(), *of_credentials(), *of_other_files()]
