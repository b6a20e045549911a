"""Guards for what a test needs beyond Python: skipped with a reason on a small machine, a failure where everything must be there.

``YINXIN_REQUIRE_ALL=1`` (set by ``.ci/run``) turns every such skip into a failure, so that a missing part cannot pass unnoticed.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
BOUNCY_CASTLE_JARS = tuple(Path("/usr/share/java") / name for name in ("bcprov.jar", "bcpkix.jar", "bcutil.jar"))


def need(name: str, present: object, reason: str) -> None:
    """Skip the calling test when ``present`` is false, or fail it where every optional part is demanded."""
    if present:
        return
    message = f"{name} not available: {reason}"
    if os.environ.get("YINXIN_REQUIRE_ALL") == "1":
        pytest.fail(message)
    pytest.skip(message)


def need_program(program: str) -> str:
    """The path of a program on this machine."""
    path = shutil.which(program)
    need(program, path, f"install it so that `{program}` is on the PATH")
    return str(path)


def need_bouncy_castle() -> str:
    """The class path of BouncyCastle's jars, together with a JDK to compile against them."""
    need_program("javac")
    missing = [jar.name for jar in BOUNCY_CASTLE_JARS if not jar.exists()]
    need("BouncyCastle", not missing, "install libbcprov-java and libbcpkix-java")
    return os.pathsep.join(str(jar) for jar in BOUNCY_CASTLE_JARS)


def corpus_folder() -> Path:
    """Where the shared corpus is, if it is there (``TRUST_CORPUS``, else ``../shared/corpus`` beside the project)."""
    return Path(os.environ.get("TRUST_CORPUS", PROJECT.parent / "shared" / "corpus"))


def corpus() -> Path:
    """The folder of the shared corpus."""
    folder = corpus_folder()
    need("corpus", (folder / "MANIFEST.json").is_file(), f"not found at {folder}: set TRUST_CORPUS")
    return folder
