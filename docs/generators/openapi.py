"""The OpenAPI document as a deployment at its default address serves it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from yinxin.assembly import open_application
from yinxin.initialise import initialise


def render() -> str:
    """JSON, indented, keys in the order in which they are served."""
    with tempfile.TemporaryDirectory(prefix="yinxin-openapi-") as folder:
        deployment = Path(folder) / "deployment"
        initialise(deployment, organisation="Yinxin")
        house, application = open_application(deployment)
        try:
            document = application.openapi()
        finally:
            house.close()
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
