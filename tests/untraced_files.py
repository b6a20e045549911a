"""Files of tests whose coverage is not recorded, because others record it.

Found by recording which file of tests went over which line and branch: of 156,000, these alone go over 994, and over none of `standards/`. Their tests
run and are judged as all others; untraced they take a third less of the processor. What is covered is thus a little more than what is told, never less.
A file leaves the list where the gates want it.
"""

from __future__ import annotations

from typing import Final

_MODULES: Final = {
    "tests/crypto": "path_cost providers report_text revocation sm2",
    "tests/fuzzing": "fuzzing",
    "tests/idp": (
        "backchannel_logout clients_api codes ends fapi_modules follow_attacks front_channel_closed grants_that_end issue_token "
        "openid_dynamic_modules openid_logout_modules openid_modules overload people_plans people_store remembered_consent "
        "removed_addresses sign_in_attacks sign_in_names token_confusion upstream_flow withdrawn_rights"
    ),
    "tests/licence_vault": (
        "find_differences issue_licence next_versions own_licences reconcile_reports row_files share_return_codes verify_code"
    ),
    "tests/seal_service/ofd": "hostile mutations sealed_attacks",
    "tests/seal_service/pdf": "hostile placement seal_interop verify_fuzz verify_legitimate",
    "tests/seal_service/pictures": "designs",
    "tests/seal_service": "import_archives on_postgresql own_pictures powers_apart seal_document seal_life",
    "tests/service_kit": "log_check migrations rates transparency_log",
    "tests/yinxin": (
        "access faults_told initialise later_keys operations postgres request_shapes rights_of_oneself run_as_root told_refusals "
        "written_addresses"
    ),
}
FILES: Final = frozenset(f"{folder}/test_{name}.py" for folder, names in _MODULES.items() for name in names.split())
