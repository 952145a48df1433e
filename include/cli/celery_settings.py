"""Celery's settings in Airflow's workers (AIRFLOW__CELERY__CELERY_CONFIG_OPTIONS): Airflow's own, and libraries loaded beforehand."""

from typing import Any

from .preload import modules


def __getattr__(name: str) -> dict[str, Any]:
    """SETTINGS, made when Airflow asks for it, so that nobody else who imports this module loads Airflow."""
    if name != "SETTINGS":
        raise AttributeError(name)
    from airflow.providers.celery.executors.default_celery import DEFAULT_CELERY_CONFIG  # noqa: PLC0415

    return {**DEFAULT_CELERY_CONFIG, "imports": modules()}
