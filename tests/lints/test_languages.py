"""Whatever people read is in both languages: nothing literal in a template, nothing missing in a table, nothing half translated."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from jinja2 import Environment

from service_kit.problem_catalogue import all_texts
from tests.lints.text_tables import (
    CHINESE,
    LETTER,
    entries,
    has_words,
    keys_asked,
    keys_named,
    literal_words,
    parsed,
    placeholders,
    scripts,
    templates,
    words_in_script,
)
from tests.optional import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

# What looks wrong to a rule and is right, each with its reason.
OTHER_WAY_ROUND = {
    "language": "the switch names the language it leads to",
    "field_purpose_help": "says in English what to type, which is Chinese",
}
BOTH_AT_ONCE = {
    "yinxin/offline_verifier/page/offline.html": "a file opened from disk: what it says before its script runs stands in both languages",
}
SCRIPT_WORDS = {
    "yinxin/verification_page/static/elements.js": "finds the name of a state in a sentence of the verifier, to say it in words"
}
_HALF_WIDTH = re.compile("[\u3400-\u9fff][,;:?!]")
_FULL_WIDTH = re.compile("[\uff0c\u3002\uff1b\uff1a\uff1f\uff01\u3001]")


def named(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def test_templates_hold_no_words_of_their_own() -> None:
    """A word that stands in a template is in one language, whatever the reader chose."""
    found: dict[str, list[str]] = {}
    for path in templates():
        words = literal_words(parsed(path))
        if words:
            found[named(path)] = words
    assert found.keys() - BOTH_AT_ONCE.keys() == set(), found
    for words in found.values():
        said = " ".join(words)
        assert CHINESE.search(said)
        assert re.search(r"[a-z]+ [a-z]+", said)


def test_scripts_hold_no_words_of_their_own() -> None:
    """What a script puts on a page comes from a table too: from the page, or from a file of texts."""
    found = {named(path): words for path in scripts() if (words := words_in_script(path.read_text(encoding="utf-8")))}
    assert found.keys() - SCRIPT_WORDS.keys() == set(), found
    assert len(scripts()) > 10


def test_templates_ask_only_for_texts_that_exist() -> None:
    """Pages that are shown seldom (errors, empty lists) would else fail when somebody needs them."""
    known = {each.key for each in entries()}
    missing = set()
    for path in templates():
        for key, is_whole in keys_asked(parsed(path)):
            if not (key in known if is_whole else any(each.startswith(key) for each in known)):
                missing.add((named(path), key))
        missing |= {(named(path), key) for key in keys_named(parsed(path)) - known}
    assert missing == set()


def test_every_text_is_there_in_both_languages() -> None:
    for each in entries():
        place = (each.table, each.key)
        assert each.chinese.strip(), place
        assert each.english.strip(), place
    english = {(each.table, each.key): each.english for each in entries()}
    same = {(each.table, each.key) for each in entries() if each.chinese == each.english and LETTER.search(each.english)}
    assert {place for place in same if has_words(english[place])} == set()


def test_each_language_is_itself() -> None:
    """Chinese in the English column is a text that nobody translated, and the other way round."""
    swapped = {
        each.key
        for each in entries()
        if CHINESE.search(each.english)
        or (LETTER.search(each.chinese) and not CHINESE.search(each.chinese) and each.chinese != each.english)
    }
    assert swapped - OTHER_WAY_ROUND.keys() == set()


def test_both_languages_say_the_same_facts() -> None:
    """A fact that only one of them tells is lost to the readers of the other."""
    differing = [(each.table, each.key) for each in entries() if placeholders(each.chinese) != placeholders(each.english)]
    assert differing == []


def test_chinese_has_chinese_punctuation_and_english_its_own() -> None:
    texts = [(f"{each.table} {each.key}", each.chinese, each.english) for each in entries()]
    texts += [
        (each.code, *pair)
        for each in all_texts()
        for pair in ((each.title_zh, each.title_en), (each.cause_zh, each.cause_en), (each.remedy_zh, each.remedy_en))
    ]
    assert [place for place, chinese, _ in texts if _HALF_WIDTH.search(chinese)] == []
    assert [place for place, _, english in texts if _FULL_WIDTH.search(english) and not CHINESE.search(english)] == []


def test_errors_say_the_same_facts_in_both_languages() -> None:
    for each in all_texts():
        for chinese, english in ((each.title_zh, each.title_en), (each.cause_zh, each.cause_en), (each.remedy_zh, each.remedy_en)):
            assert chinese != english, each.code
            assert not CHINESE.search(english), each.code


def test_the_walk_finds_what_there_is() -> None:
    """A walk that finds nothing would pass for ever."""
    tables = {each.table for each in entries()}
    assert any(each.endswith(":SCOPE_TEXTS") for each in tables)
    assert {"idp.pages.texts:TEXTS", "yinxin.commands.verdict_display:_WORDS"} <= tables
    assert len(entries()) > 600
    assert {"idp/pages/templates/first_factor.html", "idp/pages/templates/asked.html"} <= {named(path) for path in templates()}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<p>{{ t('a') }} · {{ x }} 12</p>", []),
        ("<p>有效</p>", ["有效"]),
        ("<p>{% if x %}Valid{% else %}{{ t('b') }}{% endif %}</p>", ["Valid"]),
        ("<p>{{ 'Yes' if x else t('no') }}</p>", ["Yes"]),
        ("<p>{{ x or 'nobody' }}</p>", ["nobody"]),
        ("<p>{{ x|default('none') }}</p>", ["none"]),
        ("<p class=\"{{ 'good' if x }}\" lang=\"{{ 'en' if y else 'zh-CN' }}\">{{ t('c') }}</p>", []),
        ('<img alt="a seal">', ["img[alt]: a seal"]),
        ('<input type="submit" value="Send">', ["input[value]: Send"]),
        ('<input type="hidden" value="yes"><button name="n" value="yes">{{ t("d") }}</button>', []),
        ("<p>12 KB · SM3 … openapi.json</p>", []),
        ("<p>12 KB big</p>", ["12 KB big"]),
        ('<p data-t="key">text <b>until</b> the script runs</p><p>Now</p>', ["Now"]),
        ('{% set c %}id="a" required{% endset %}<input {{ c }}>', []),
        ("{% set c %}Some words{% endset %}", ["Some words"]),
        ("<script>let a</script><style>b { }</style>", []),
        ("{% set x = 'word' %}{# a note #}<p>{{ x }}</p>", []),
    ],
)
def test_the_reader_of_templates_sees_words(source: str, words: list[str]) -> None:
    assert literal_words(Environment(autoescape=True).parse(source)) == words


def test_the_reader_of_templates_sees_keys() -> None:
    tree = Environment(autoescape=True).parse(
        "{{ t('a') }}{{ t('b' if x else 'c', n=1) }}{{ t('d_' ~ x) }}{{ t('e_' + x) }}{{ t(x) }}{{ u('f') }}"
    )
    assert sorted(keys_asked(tree)) == [("a", True), ("b", True), ("c", True), ("d_", False), ("e_", False)]


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("/* 中文 */ a.textContent = t('b'); // 长期", 0),
        ('box.textContent = "Ready";', 1),
        ("box.setAttribute('aria-label', `Close it`);", 1),
        ('box.textContent = "12 KB"; link.href = "https://a.example/b";', 0),
        ('say("有效");', 1),
    ],
)
def test_the_reader_of_scripts_sees_words(source: str, count: int) -> None:
    assert len(words_in_script(source)) == count
