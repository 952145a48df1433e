"""Made-up releases with a row in every table are those of tests/releases."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "releases"))
