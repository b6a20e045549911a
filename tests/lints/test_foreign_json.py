"""JSON from outside has one reader, ``standards.rfc7493_i_json``: whoever reads it otherwise lets pass what the others refuse."""

from __future__ import annotations

import re

from tests.lints.test_house_rules import product_files
from tests.optional import PROJECT

ONE_READER = "standards/rfc7493_i_json.py"
# Folder -> modules that read JSON plainly, since it is our own: a value of a row, a sealed value, a file of our folder, an answer of our own process,
# or a text that is written anew and compared, so that one spelling alone counts (licence data, copies, leaves). A module leaves the list when it does not.
OWN_JSON = {
    "crypto": "keystore sealed_file",
    "idp/connectors": "followed_scim simulator",
    "idp/pages": "upstream_pages",
    "idp/store": "accounts cas cas_proxies codes devices federation follow grants imports initial_tokens pushed registrations sign_ins",
    "licence_vault/actions": "ask_presentation export_subject find_types finish_copy finish_issue import_licences issue_batch kept_foreign",
    "licence_vault/api": "type_shapes",
    "licence_vault": "copies model uses",
    "licence_vault/credentials": "presentation_messages",
    "licence_vault/log": "leaf",
    "licence_vault/status": "frames",
    "licence_vault/store": "imports",
    "seal_service/actions": "apply_for_seal find_import find_seals seal_order",
    "seal_service/pictures": "own_picture",
    "seal_service/store": "history",
    "service_kit": "audit log_heads outbox row_values",
    "yinxin/commands": "monitor_command seal_remotely",
    "yinxin/console": "api_calls drafts sessions sign_in webhook_pages",
    "yinxin/demo": "people prepare story",
    "yinxin": "deployment operations_api regional_collector witness",
    "yinxin/help": "test_results",
    "yinxin/offline_verifier": "trust_bundle",
}


def test_json_from_outside_has_one_reader() -> None:
    """Members twice, NaN, halves of characters, endless nesting: each reader of its own forgot one of them. Escape: OWN_JSON, for JSON of our own."""
    plain, own_rules = set(), []
    for path in product_files():
        name, text = path.relative_to(PROJECT).as_posix(), path.read_text(encoding="utf-8")
        if name in {ONE_READER, "yinxin/console/code_samples.py"}:  # the latter: samples for programs of others
            continue
        if re.search(r"\bjson\.loads?\(|\.json\(\)|\braw_decode\b", text):
            plain.add(name)
        if re.search(r"\b(object_pairs_hook|parse_constant|parse_float|JSONDecoder)\b", text):
            own_rules.append(name)
    assert own_rules == []
    assert plain == {f"{folder}/{module}.py" for folder, modules in OWN_JSON.items() for module in modules.split()}
