"""What the tests of stewardship share: the made-up returns of the pipeline's tests."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "pipeline"))
