"""Sends the metrics that a task's process has not sent when it ends, for it ends without what Python does at an exit."""

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin


class Ending:
    """Airflow's listener for the end of a process."""

    @hookimpl
    def before_stopping(self) -> None:
        """Waits seconds at most; the task has told how it ended before."""
        from trust_benchmarks.stores import telemetry

        telemetry.flush()


class TelemetryPlugin(AirflowPlugin):
    """Registers the listener."""

    name = "telemetry"
    listeners = [Ending()]  # noqa: RUF012 - Airflow reads a plain list
