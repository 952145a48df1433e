"""Who hears of a task that failed for good: a mail, or whatever Airflow has a notifier for; nobody unless it is configured.

TB_ALERT_MAIL names addresses with commas between them; the mail goes through Airflow's connection `smtp_default`. TB_ALERT_NOTIFIERS
is a JSON list of other notifiers, each with its class and arguments, for example
[{"class": "airflow.providers.slack.notifications.slack.SlackNotifier", "arguments": {"text": "{{ ti.task_id }} failed"}}].
"""

import json
import logging
import os
from importlib import import_module
from typing import Any

from ..stores import log

logger = logging.getLogger(__name__)

MAIL = "airflow.providers.smtp.notifications.smtp.SmtpNotifier"
# The part of docs/runbooks/README.md by the task or the DAG that failed.
RUNBOOKS = {
    "held_back": "a-release-was-held-back-by-a-check",
    "refresh_benchmarks": "figures-are-not-refreshed",
    "refresh_reference": "providers-change",
    "send_digests": "a-digest-was-not-sent",
    "send_messages": "a-message-was-not-sent",
    "receive_inbox": "a-file-is-missing",
    "fetch_published": "a-publisher-needs-a-look",
    "watch_installation": "something-is-not-well",
}
COLLECTION_FAILED = "a-collections-run-failed"  # of the DAGs collect_...
SUBJECT = "Trust Benchmarks: {{ ti.task_id }} of {{ dag.dag_id }} failed"
# A jinja template of Airflow's; what an exception says may hold what a file says, so it is escaped and cut.
BODY = (
    "{% set pages = " + json.dumps(RUNBOOKS) + " %}"
    "{% set page = pages.get(ti.task_id) or pages.get(dag.dag_id)"
    f" or ('{COLLECTION_FAILED}' if dag.dag_id.startswith('collect_') else '') %}}"
    "<p>The task <b>{{ ti.task_id | e }}</b> of <b>{{ dag.dag_id | e }}</b> failed in the run {{ run_id | e }}, after {{ ti.try_number }} "
    "attempts. What was done before it stands, and whatever waits is taken up by the next run.</p>"
    "<p>It said: {{ (exception | string)[:1000] | e }}</p>"
    '<p>Its log: <a href="{{ ti.log_url | e }}">{{ ti.log_url | e }}</a></p>'
    "<p>What to do: docs/runbooks/README.md{{ '#' ~ page if page }}; <code>trust-benchmarks doctor</code> says what else is wrong.</p>"
)


def on_failure() -> list[Any]:
    """What `on_failure_callback` is given: nothing where nobody is named; what is configured wrongly is logged and left out.

    A DAG that could not be read for a mistake in it would collect nothing.
    """
    return [tell] if _notifiers() else []


def tell(context: Any) -> None:
    """Tells every configured notifier that a task failed; if one of them fails, the others are still told."""
    # Made anew each time: a notifier that has told something once says the same again in the same process.
    for notifier in _notifiers():
        try:
            notifier(context)
        except Exception as problem:  # whatever a mail server or a chat answers
            log.line(
                logger,
                "not_told",
                level=logging.ERROR,
                notifier=type(notifier).__name__,
                problem=log.short(problem),
            )


def _notifiers() -> list[Any]:
    found = []
    for one in _configured():
        try:
            module, _, name = str(one["class"]).rpartition(".")
            found.append(getattr(import_module(module), name)(**one.get("arguments", {})))
        except Exception as problem:  # whatever a notifier's constructor raises
            log.line(
                logger,
                "notifier_not_usable",
                level=logging.ERROR,
                notifier=one.get("class"),
                problem=log.short(problem),
            )
    return found


def _configured() -> list[dict[str, Any]]:
    configured = []
    if addresses := [one.strip() for one in os.environ.get("TB_ALERT_MAIL", "").split(",") if one.strip()]:
        mail = {"to": addresses, "subject": SUBJECT, "html_content": BODY}
        configured.append({"class": MAIL, "arguments": mail})
    try:
        others = json.loads(os.environ.get("TB_ALERT_NOTIFIERS") or "[]")
        configured += [one if isinstance(one, dict) else {"class": one} for one in others]
    except (ValueError, TypeError) as problem:
        log.line(
            logger,
            "notifier_not_usable",
            level=logging.ERROR,
            notifier="TB_ALERT_NOTIFIERS",
            problem=log.short(problem),
        )
    return configured
