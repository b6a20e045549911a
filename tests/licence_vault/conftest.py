"""One deployment for each module, called in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.licence_vault.vault_here import VaultHere

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultHere]:
    with VaultHere.made(tmp_path_factory.mktemp("vault") / "d") as made:
        yield made
