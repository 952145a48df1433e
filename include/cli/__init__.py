"""The command for people: trust-benchmarks."""


class Refused(Exception):
    """A command that cannot be carried out as given; its text says what was found and what to do."""
