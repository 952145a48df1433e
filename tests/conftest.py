"""What all tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real published files: `data` in the folder TB_SHARED names, else in `shared` beside the checkout."""
    shared = (
        Path(os.environ["TB_SHARED"]) if "TB_SHARED" in os.environ else Path(__file__).resolve().parents[2] / "shared"
    )
    folder = shared / "data"
    if not folder.is_dir():
        pytest.skip(
            "The real published files are not here. Put the folder 'shared' beside the checkout, or name it in TB_SHARED."
        )
    return folder
