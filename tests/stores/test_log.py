"""Log lines: one a line, with facts that can be searched."""

import json
import logging
import sys
from datetime import UTC, datetime

import flow
import pytest
import structlog
from trust_benchmarks.stores import log

FACTS = {
    "submission_id": "ab12",
    "seconds": 0.12345,
    "rows": 3,
    "why": 'a "b"\nc',
    "at": datetime(2025, 6, 1, tzinfo=UTC),
    "none": None,
}


def test_facts_keep_their_types_and_long_texts_are_cut():
    with flow.logged() as lines:
        log.line(logging.getLogger("x"), "failed", level=logging.ERROR, **FACTS, name="n" * 900)
    (line,) = lines
    assert (line["event"], line["log_level"], line["seconds"], line["rows"], line["none"]) == (
        "failed",
        "error",
        0.123,
        3,
        None,
    )
    assert line["at"] == "2025-06-01T00:00:00+00:00" and line["name"] == "n" * log.MOST


@pytest.mark.parametrize("is_terminal", [False, True])
def test_without_airflow_it_is_json_and_plain_words_on_a_terminal(monkeypatch, caplog, is_terminal):
    monkeypatch.setattr(structlog, "is_configured", lambda: False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal, raising=False)
    with caplog.at_level("INFO"):
        log.line(logging.getLogger("x"), "received", **FACTS)
        log.line(logging.getLogger("x"), "not_shown", level=logging.DEBUG)
    (text,) = caplog.messages
    assert "\n" not in text
    if is_terminal:
        assert text.startswith("event=received submission_id=ab12 seconds=0.123 ")
    else:
        assert json.loads(text) == {"event": "received", **FACTS, "seconds": 0.123, "at": "2025-06-01T00:00:00+00:00"}
