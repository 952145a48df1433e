"""Everything on one machine: the embedded PostgreSQL and S3 server, Airflow, and the run that drives them."""

from trust_benchmarks.cli import Refused


class Trouble(Refused):
    """Something that a person must mend; its text is one sentence that says what was found and what to do."""
