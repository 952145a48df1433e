"""A job that has collected the small sample, for the tests of this folder."""

import pytest
from job import Job


@pytest.fixture(scope="session")
def sampled(tmp_path_factory) -> tuple[Job, str]:
    """A job that has collected the small sample once, undisturbed, and what it said."""
    job = Job(tmp_path_factory.mktemp("job") / "state")
    return job, job.once()
