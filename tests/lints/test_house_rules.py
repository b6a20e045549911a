"""Rules a reviewer would otherwise repeat. Each says why in its docstring and names its escape."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

import pytest

from tests.conftest import TRACED_WHOLE
from tests.optional import PROJECT
from tests.untraced_files import FILES

if TYPE_CHECKING:
    from pathlib import Path

FLOORS = ("standards", "crypto", "service_kit", "idp", "seal_service", "licence_vault", "yinxin")
# Files over 400 lines, each with its reason. A file leaves the list when it shrinks.
LONG_FILES: dict[str, str] = {
    "tests/crypto/test_jose.py": "one set of keys and tokens, changed in every place a reader must refuse",
    "tests/idp/test_cas.py": "the whole CAS protocol over one deployment, which is slow to make",
    "tests/idp/test_cas_proxies.py": "proxies of CAS over one deployment with several clients, which is slow to make",
    "tests/idp/test_code_flow.py": "the whole code flow over one deployment, which is slow to make",
    "tests/idp/test_scim.py": "the whole SCIM protocol over one deployment, which is slow to make",
    "tests/seal_service/test_applications.py": "one application's life, by the people who take part in it",
}


def product_files() -> list[Path]:
    return [path for floor in FLOORS for path in sorted((PROJECT / floor).rglob("*.py"))]


def committed_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, check=True).stdout.decode()
    return [PROJECT / name for name in listed.split("\0") if name and (PROJECT / name).is_file()]


def committed_text() -> dict[str, str]:
    texts = {}
    for path in committed_files():
        data = path.read_bytes()
        if b"\0" not in data:
            texts[path.relative_to(PROJECT).as_posix()] = data.decode("utf-8", "replace")
    return texts


def test_files_stay_readable_in_one_sitting() -> None:
    """A file over 400 lines wants a reason, stated in LONG_FILES; a reason without such a file goes."""
    long = {
        path.relative_to(PROJECT).as_posix()
        for path in [*product_files(), *(PROJECT / "tests").rglob("*.py"), *(PROJECT / "benchmarks").rglob("*.py")]
        if len(path.read_text(encoding="utf-8").splitlines()) > 400
    }
    assert long == set(LONG_FILES)


def test_files_that_are_not_traced_are_there_and_hold_nothing_that_is_traced_whole() -> None:
    """A name that is left behind hides that its file is traced again, or is another one."""
    assert [name for name in sorted(FILES) if name.startswith(TRACED_WHOLE) or not (PROJECT / name).is_file()] == []


def test_no_file_is_named_after_nothing() -> None:
    """A name such as utils says neither which service nor which verb, so nobody finds anything in it."""
    empty = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "base", "misc", "core", "lib", "platform"}
    assert [path for path in product_files() if path.stem in empty or path.parent.name in empty] == []


def test_nothing_is_left_unfinished() -> None:
    """No marker of unfinished work, no stub: what is not done is absent and said so in the documents."""
    pattern = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X:|Not" + r"ImplementedError)\b|pragma: no " + "cover")
    found = [name for name, text in committed_text().items() if not name.endswith(".lock") and name != "LICENSE" and pattern.search(text)]
    assert found == []


def test_nothing_names_a_machine_or_a_registry() -> None:
    """Paths of one machine and addresses of registries do not belong into a project others build."""
    pattern = re.compile(
        r"(?<![\w.])/(?:work|farm)/|py" + r"pi\.org|python" + r"hosted|registry\.npm" + r"js|repo1?\.mav" + r"en|d" + r"eb\.debian"
    )
    found = [name for name, text in committed_text().items() if pattern.search(text)]
    assert found == []


def test_lock_files_carry_hashes_and_no_index() -> None:
    """Every locked requirement has a hash and none an address."""
    locks = sorted(PROJECT.glob("requirements*.lock"))
    assert len(locks) == 8
    for path in locks:
        text = path.read_text(encoding="utf-8")
        assert "://" not in text
        pinned = re.findall(r"^[\w.\[\]-]+==", text, re.MULTILINE)
        assert len(re.findall(r"^[\w.\[\]-]+==\S+(?: ; [^\\]+)? \\\n    --hash=sha256:", text, re.MULTILINE)) == len(pinned)
        assert len(pinned) > (20 if path.name in {"requirements.lock", "requirements-dev.lock"} else 0)


def test_no_broad_catch() -> None:
    """``except Exception`` hides faults. The escape is a comment on the line that names the edge: the rim of a thread, process or verifier."""
    bad = []
    for path in product_files():
        lines = path.read_text(encoding="utf-8").splitlines()
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else "everything"
                if re.search(r"\b(BaseException|Exception|everything)\b", caught) and not re.search(
                    r"# .*\b(edge|caller)\b", lines[node.lineno - 1]
                ):
                    bad.append(f"{path.relative_to(PROJECT)}:{node.lineno}")
    assert bad == []


def test_what_is_imported_is_declared() -> None:
    """A package that comes only because another needs it goes when the other does. Escape: a package that is part of one that is declared."""
    parts = {"pydantic-core": "pydantic", "pyhanko-certvalidator": "pyhanko"}
    stated = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*stated["project"]["dependencies"], *stated["project"]["optional-dependencies"]["last-resort"]]
    shipped = {re.split(r"[\[<>=;]", each)[0].lower() for each in wanted}
    of_tests = shipped | {re.split(r"[\[<>=;]", each)[0].lower() for each in stated["dependency-groups"]["dev"]}
    known = packages_distributions()
    undeclared = set()
    for declared, paths in (
        (shipped, product_files()),
        (of_tests, [*(PROJECT / "tests").rglob("*.py"), *(PROJECT / "benchmarks").rglob("*.py")]),
    ):
        for path in paths:
            for module in imported_modules(path) - sys.stdlib_module_names - {*FLOORS, "tests", "benchmarks", "docs"}:
                names = {re.sub(r"[-_.]+", "-", name).lower() for name in known.get(module, ())}
                if names and not {parts.get(name, name) for name in names} & declared:
                    undeclared.add((path.relative_to(PROJECT).as_posix(), module))
    assert undeclared == set()


def imported_modules(path: Path) -> set[str]:
    """First parts of the names that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_no_import_name_that_clashes_with_ours() -> None:
    """PyPI's ``crypto`` and ``pycryptodome`` family would shadow our floor of that name."""
    text = (PROJECT / "requirements-dev.lock").read_text(encoding="utf-8")
    assert not re.search(r"^(crypto|pycryptodome|standards)==", text, re.MULTILINE)


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "README.zh-CN.md",
        "LICENSE",
        "SECURITY.md",
        "CHANGELOG.md",
        "docs/reference/glossary.md",
        "docs/explanation/architecture.md",
    ],
)
def test_the_documents_everyone_looks_for_exist(name: str) -> None:
    assert len((PROJECT / name).read_text(encoding="utf-8")) > 400
