"""Made-up releases with a row in every table are those of tests/releases; the client is a package of its own."""

import sys
from pathlib import Path

HERE = Path(__file__).parents[2]
sys.path += [str(HERE / "tests" / "releases"), str(HERE / "client")]
