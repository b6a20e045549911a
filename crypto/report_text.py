"""One sentence, in English and in Chinese, for every code that a step of any verifier can carry.

Facts of the step fill the placeholders; a fact that is missing shows as a dash, so that a sentence can always be made. Whoever adds a
code adds its line in ``crypto/report_sentences/``, at the end of the block it belongs to; ``tests/crypto/test_report_text.py`` finds codes
without one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crypto.report_sentences.credentials import CREDENTIAL
from crypto.report_sentences.documents import FILE, OFD, PDF
from crypto.report_sentences.licences import LICENCE
from crypto.report_sentences.logs import LOG
from crypto.report_sentences.seals import CONTAINER, SEAL
from crypto.report_sentences.signatures import CERTIFICATE, SIGNATURE, TIMESTAMP
from crypto.report_sentences.statuses import STATUS

if TYPE_CHECKING:
    from crypto.report import Step

_MISSING: Final = "–"

BLOCKS: Final[tuple[dict[str, tuple[str, str]], ...]] = (
    SIGNATURE,
    TIMESTAMP,
    CERTIFICATE,
    SEAL,
    CONTAINER,
    FILE,
    PDF,
    OFD,
    LOG,
    CREDENTIAL,
    LICENCE,
    STATUS,
)
SENTENCES: Final = {code: texts for block in BLOCKS for code, texts in block.items()}


class _Facts(dict[str, object]):
    """Facts for a sentence; whatever is missing shows as a dash."""

    def __missing__(self, key: str) -> str:
        return _MISSING


def sentence(step: Step, language: str = "en") -> str:
    """What a step says, for a human reader: Chinese where ``language`` begins with ``zh``, else English.

    A code without a sentence is shown as it is.
    """
    templates = SENTENCES.get(step.code)
    if templates is None:
        return step.code
    template = templates[1] if language.lower().startswith("zh") else templates[0]
    return template.format_map(_Facts((name, fact) for name, fact in step.facts.items() if fact is not None))
