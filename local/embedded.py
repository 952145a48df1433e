"""The embedded services as the command trust-benchmarks asks for them (trust_benchmarks.cli.embedded)."""

from contextlib import AbstractContextManager

from trust_benchmarks_local import postgres, services
from trust_benchmarks_local.state import State


class Embedded:
    """The services of the state folder that TB_STATE names, or of .state in the checkout."""

    def __init__(self) -> None:
        self._state = State()
        self.folder = self._state.folder

    def settings(self) -> dict[str, str]:
        """What `make run` wrote to the state folder: text by name, {} before the first run."""
        self._state.settings = self._state.read()
        return self._state.settings

    def warehouse_answers(self) -> bool:
        """Whether the warehouse is up."""
        self.settings()
        return postgres.answers(self._state)

    def running(self) -> AbstractContextManager[dict[str, str]]:
        """Starts the services if they are not up, and puts their settings into the environment meanwhile."""
        return services.running(self.folder)

    def scratch(self) -> AbstractContextManager[None]:
        """Runs an empty warehouse in a folder of its own, and puts its settings into the environment meanwhile."""
        return services.scratch()
