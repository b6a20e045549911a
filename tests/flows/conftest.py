"""One demonstration deployment per session and worker, and one server on it for the tests that do no harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.served import Deployment, Served, make_deployment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="package")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A made demonstration, not served."""
    folder: Path = tmp_path_factory.mktemp("flows") / "deployment"
    return make_deployment(folder)


@pytest.fixture(scope="module")
def served(deployment: Deployment) -> Iterator[Served]:
    """The demonstration, served by one process."""
    with deployment.serve() as running:
        yield running
