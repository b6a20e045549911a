"""SCIM filters, with the examples of RFC 7644 where it has one."""

from __future__ import annotations

import pytest

from standards.errors import MalformedError
from standards.rfc7644_filter import (
    DEPTH_MAX,
    FILTER_CHARACTERS_MAX,
    AllOf,
    AnyOf,
    Element,
    Not,
    Path,
    Term,
    is_match,
    read_filter,
    terms_of,
)
from tests.standards.scim_users import OURS, SHAPE, USER


@pytest.mark.clause("RFC 7644 3.4.2.2")
@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('userName eq "bjensen"', True),
        ('USERNAME Eq "BJENSEN"', True),
        ('userName eq "other"', False),
        ('id eq "Ab1"', True),
        ('id eq "ab1"', False),
        ('name.familyName sw "jen"', True),
        ('name.familyName sw "ens"', False),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName sw "B"', True),
        ("active eq true", True),
        ("active eq false", False),
        ("active eq null", False),
        ("urn:example:ours:level eq 2", True),
        ("urn:example:Ours:level eq 2.5", False),
        ('urn:example:Ours:area eq "150700" and active eq true', True),
        ('emails eq "babs@jensen.org"', True),
        ('emails.type eq "home"', True),
        ('emails.type eq "fax"', False),
        ("emails pr", True),
        ("members pr", False),
        ("title pr", False),
        ("title.x pr", False),
        ('active eq "true"', False),
        ('userName eq "a\\"b" and userName pr', False),
        ('  userName   pr  and name.formatted sw "Ms. "  ', True),
        ('userName ne "bjensen"', False),
        ('userName ne "other"', True),
        ('title ne "x"', True),
        ('title ne ""', True),
        ("title eq null", True),
        ("userName eq null", False),
        ("userName ne null", True),
        ('userName co "JENS"', True),
        ('userName co "jons"', False),
        ('id co "b1"', True),
        ('id co "B1"', False),
        ('userName ew "sen"', True),
        ('userName ew "jen"', False),
        ("urn:example:Ours:level gt 1", True),
        ("urn:example:Ours:level gt 2", False),
        ("urn:example:Ours:level ge 2", True),
        ("urn:example:Ours:level lt 2", False),
        ("urn:example:Ours:level le 2", True),
        ("urn:example:Ours:level lt 2.5", True),
        ("active ge 1", False),
        ('urn:example:Ours:level gt "1"', False),
        ('userName gt "BA"', True),
        ('userName lt "BA"', False),
        ('meta.lastModified gt "2011-05-13T04:42:34Z"', True),
        ('meta.lastModified gt "2011-05-13T06:42:34+08:00"', True),
        ('meta.lastModified ge "2012-01-01T00:00:00"', True),
        ('meta.lastModified lt "2012-01-01t00:00:00.5z"', True),
        ('meta.lastModified gt "Thursday"', False),
        ('userName gt "2011-05-13T04:42:34Z"', False),
        ('userName eq "other" or id eq "Ab1"', True),
        ('userName eq "other" or id eq "x"', False),
        ('id eq "Ab1" or id eq "x" and active eq false', True),
        ('(id eq "Ab1" or id eq "x") and active eq false', False),
        ('not (userName eq "other")', True),
        ('NOT(userName eq "bjensen")', False),
        ('active eq true and not (id eq "x" or id eq "Ab1")', False),
        ('emails[type eq "work" and value co "@example.com"]', True),
        ('emails[type eq "home" and value co "@example.com"]', False),
        ('emails[not (type eq "work")]', True),
        ('emails[(type eq "fax" or type eq "home") and value ew ".org"] and active eq true', True),
        ('name[familyName eq "Jensen"]', True),
        ('members[value eq "x"]', False),
        ('title[value eq "x"]', False),
        ('urn:example:Ours:list[value eq "x"]', False),
    ],
)
def test_a_filter_holds_or_not(text: str, holds: bool) -> None:
    assert is_match(USER, read_filter(text, SHAPE)) is holds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "userName",
        "userName eq",
        "userName co 5",
        "userName ew true",
        "active gt true",
        "title lt null",
        'userName xx "x"',
        "or",
        'or userName eq "x"',
        'userName eq "x" or',
        'not userName eq "x"',
        "not (",
        '(userName eq "x"',
        'userName eq "x")',
        "()",
        "emails[]",
        'emails[type eq "x"',
        'emails[emails[type eq "x"]]',
        'emails.value[type eq "x"]',
        'emails[type eq "x"].value pr',
        "(" * (DEPTH_MAX + 1) + "id pr" + ")" * (DEPTH_MAX + 1),
        "not (" * (DEPTH_MAX + 1) + "id pr" + ")" * (DEPTH_MAX + 1),
        "(" * FILTER_CHARACTERS_MAX,
        'userName eq "x" and',
        'userName eq "x" active eq true',
        "userName eq x",
        "userName sw true",
        "userName sw 5",
        "userName eq [1]",
        "userName eq {}",
        'userName eq "x',
        'userName eq "\\q"',
        'userName eq "\\ud800"',
        "userName pr and " * 10 + "userName pr",
        'userName eq "' + "x" * FILTER_CHARACTERS_MAX + '"',
    ],
)
def test_attack_what_is_no_filter(text: str) -> None:
    with pytest.raises(MalformedError, match="SCIM_FILTER_INVALID"):
        read_filter(text, SHAPE)


@pytest.mark.parametrize("text", ["urn:foreign:Schema:x pr", "1x pr", "a.b.c pr", "a%b pr"])
def test_attack_paths_nobody_knows(text: str) -> None:
    with pytest.raises(MalformedError, match="SCIM_PATH_INVALID"):
        read_filter(text, SHAPE)


def test_terms_are_read_as_they_are_meant() -> None:
    read = read_filter(f'{OURS}:area sw "15" and emails.value pr', SHAPE)
    parts = (Term(Path(OURS, "area"), "sw", "15"), Term(Path("", "emails", "value"), "pr"))
    assert read == AllOf(parts)
    assert terms_of(read) == parts
    either = read_filter('id eq "a" or (active eq true and not (id pr))', SHAPE)
    one, two = Term(Path("", "id"), "eq", "a"), Term(Path("", "active"), "eq", value=True)
    assert either == AnyOf((one, AllOf((two, Not(Term(Path("", "id"), "pr"))))))
    assert terms_of(either) == ()
    assert read_filter('emails[type eq "work"]', SHAPE) == Element(Path("", "emails"), Term(Path("", "type"), "eq", "work"))


def test_attack_false_is_no_number() -> None:
    for text in ("active lt 1", "active ge 0", "active le 0", "active gt -1"):
        assert not is_match({**USER, "active": False}, read_filter(text, SHAPE))
