"""In which order the pages are offered. What is named in no group stands at the end of its section, by title, so that nothing is lost."""

from __future__ import annotations

from typing import Final

SECTIONS: Final = ("tutorials", "how-to", "reference", "explanation")
GROUPS: Final[dict[str, tuple[tuple[str, tuple[str, ...]], ...]]] = {
    "tutorials": (("", ("first-call", "first-licence", "check-a-document")),),
    "how-to": (
        ("for_operators", ("operate", "install", "tls", "backup", "upgrade", "key-ceremony", "hardware-keys", "monitor", "assessment")),
        ("for_administrators", ("administer-seals",)),
        ("for_officers", ("issue-licences",)),
        ("for_citizens", ("my-licences",)),
        ("for_verifiers", ("verify",)),
        ("for_developers", ("integrate",)),
    ),
    "reference": (
        ("generated", ("command-line", "settings", "events", "error-catalogue", "permission-matrix", "clause-matrix")),
        (
            "seals",
            (
                "pdf-sealing",
                "ofd-sealing",
                "ofd-writer",
                "ses-in-pdf",
                "batches",
                "seal-designs",
                "seal-imports",
                "seal-status",
                "powers-and-roles",
                "signing-devices",
            ),
        ),
        (
            "licences",
            (
                "licences",
                "licence-types",
                "licence-files",
                "licence-copies",
                "licence-sharing",
                "licence-log",
                "status-lists",
                "credentials",
                "foreign-licences",
                "reporting",
            ),
        ),
        ("sign_in", ("openid-provider", "bound-tokens", "openid-front-channel", "identity", "directory", "federation", "cas")),
        (
            "common",
            (
                "glossary",
                "console",
                "mongolian-words",
                "verification-page",
                "trust-list",
                "transparency-log",
                "webhooks",
                "regional-platform",
                "benchmarks",
            ),
        ),
    ),
    "explanation": (("", ("architecture", "licence-story", "threat-model", "decisions")),),
}
