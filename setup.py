"""What pyproject.toml cannot say: the documents go into the wheel, so that ``/help`` has them where only the wheel is installed."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

DOCUMENTS = Path(__file__).resolve().parent / "docs"
KINDS = {".md", ".png", ".json"}


class BuildWithDocuments(build_py):
    """Copies docs/ beside the modules of ``yinxin.help``. An editable installation reads them where they are."""

    def run(self) -> None:
        """Build as usual, then copy."""
        super().run()
        if self.editable_mode:
            return
        for path in sorted(DOCUMENTS.rglob("*")):
            if path.suffix in KINDS:
                target = Path(self.build_lib, "yinxin", "help", "docs", path.relative_to(DOCUMENTS))
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)


setup(cmdclass={"build_py": BuildWithDocuments})
