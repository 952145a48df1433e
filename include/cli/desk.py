"""The steward desk at the terminal: the same decisions through the same functions, with the user's Airflow permissions."""

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import typer
from xlsxwriter.exceptions import FileCreateError

from ..reading.harmless import harmless
from ..stewardship import airflow_client, decisions, submitted_file
from ..stewardship import workbook as workbooks
from ..stewardship.decisions import Draft
from ..stewardship.preview import preview
from ..stores import warehouse
from ..validation import one_cell
from . import Refused, embedded
from .output import Format, note, write
from .prepare import USERS

SHOWN = 60  # lines of a preview's table; --format of `decisions` and the desk show all


@dataclass(frozen=True)
class Asker:
    """A person who has signed in to Airflow, and what they may do on the desk."""

    name: str
    may_act: bool
    may_approve: bool
    url: str
    token: str


@dataclass(frozen=True)
class Asked:
    """The options of `decide`; None for an option that was left out."""

    kind: str
    submission: str
    reason: str
    rule: str | None = None
    column: str | None = None
    lines: tuple[int, ...] = ()
    sheet: str | None = None
    value: str | None = None
    source: str | None = None
    until: str | None = None
    provider: str | None = None
    assignee: str | None = None
    undo: int | None = None


def decide(asked: Asked, user: str | None, yes: bool) -> None:
    """Previews a decision, asks, and takes it.

    Raises:
        Refused: no permission, not possible, or not confirmed after the preview.
    """
    who = sign_in(user)
    if not who.may_act:
        raise Refused(
            f"{who.name} can read the desk but cannot make decisions. Ask a steward, or ask for the steward role."
        )
    with embedded.stores(), told():
        draft = _draft(asked)
        if draft.kind in decisions.CHANGES_FIGURES:
            expected = _shown(draft, who.name)
            agreed(yes, f"Decide to {draft.kind} {draft.submission_id}?")
            if _draft(asked) != draft:
                raise Refused(
                    "The cells have changed since the preview, so nothing was decided. Look at the preview again."
                )
            draft = replace(draft, expected_release=expected)
        with as_desk() as connection:
            decision_id = decisions.decide(connection, draft, who.name)
        _outcome(decision_id, who)


def approve(decision_id: int, refuse: bool, words: str, user: str | None, yes: bool) -> None:
    """Previews what a proposed decision does, asks, and gives the second person's verdict.

    Raises:
        Refused: no permission, not possible, or not confirmed after the preview.
    """
    who = sign_in(user)
    if not who.may_approve:
        raise Refused(f"{who.name} cannot approve or refuse decisions. Ask an approver.")
    with embedded.stores(), told():
        with as_desk() as connection:
            one = decisions.get(connection, decision_id)
        if one.author.strip().lower() == who.name.strip().lower():
            raise Refused("You cannot approve or refuse your own decision. A second person must.")
        _about(one)
        if one.state != "proposed":
            whom = f", by {one.verdict_by}" if one.verdict_by else ""
            raise Refused(f"Decision {decision_id} is already {one.state.replace('_', ' ')}{whom}.")
        if not refuse:
            _shown(decision_id, who.name)
        agreed(yes, f"{'Refuse' if refuse else 'Approve'} decision {decision_id}?")
        with as_desk() as connection:
            decisions.verdict(connection, decision_id, who.name, not refuse, words)
        _outcome(decision_id, who)


def workbook(submission_id: str, output: Path | None) -> None:
    """Writes the trust's own workbook with the findings marked in it."""
    if output and output.is_dir():
        raise Refused(f"{output} is a folder. Name the file to write, such as {output / 'to_correct.xlsx'}.")
    path = output
    with embedded.stores(), told():
        try:
            with warehouse.connect() as connection:
                one = submitted_file.submission(connection, submission_id)
                path = path or Path(workbooks.name_of(one.collection, one.sender, one.period))
                workbooks.build(connection, submission_id, path)
        except workbooks.TooLarge as problem:
            raise Refused(str(problem)) from None
        except (OSError, FileCreateError):
            raise Refused(f"{path} cannot be written. Name another file with --output.") from None
    note(f"Written: {path}")


# Who asks -------------------------------------------------------------------------------------------------------------


def sign_in(user: str | None) -> Asker:
    """Signs in to Airflow and asks the desk what this user may do.

    Raises:
        Refused: no name, no password, a wrong one, or Airflow does not answer.
    """
    url, settings = _airflow()
    if not user:
        raise Refused("Give your Airflow user name with --user NAME or in TB_USER.")
    password = _password(user, settings)
    try:
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as http:
            said = http.post("/auth/token", json={"username": user, "password": password})
            if said.status_code in (400, 401, 403, 422):
                raise Refused(f"Airflow does not accept {user} with this password. Correct TB_USER_PASSWORD or --user.")
            said.raise_for_status()
            token = said.json()["access_token"]
            said = http.get("/steward/me", headers={"Authorization": f"Bearer {token}", "Accept": "application/json"})
            if said.status_code in (401, 403):
                raise Refused(f"{user} cannot read the steward desk. Ask your Airflow administrator for a role.")
            said.raise_for_status()
            me = said.json()
            return Asker(str(me["name"]), me["may_act"] is True, me["may_approve"] is True, url, token)
    except httpx.HTTPStatusError as problem:
        raise Refused(
            f"Airflow at {url} has no steward desk: {problem.request.url.path} gave {problem.response.status_code}. "
            "Start it from this checkout with `make run`, or correct TB_AIRFLOW_URL."
        ) from None
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as problem:
        raise Refused(
            f"Airflow at {url} does not respond ({type(problem).__name__}), so your permissions cannot be checked. "
            "Start it with `make run`, or correct TB_AIRFLOW_URL."
        ) from None


def _airflow() -> tuple[str, dict[str, str]]:
    """Airflow's address, and the settings of the state folder when it is the one of `make run`."""
    if url := os.environ.get("TB_AIRFLOW_URL"):
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise Refused(
                f"TB_AIRFLOW_URL is {url}: this would send your password unencrypted. Give an address that begins with https."
            )
        return url.rstrip("/"), {}
    services = embedded.find()
    settings = services.settings()
    if "TB_PORT_AIRFLOW" not in settings:
        raise Refused(
            f"Airflow is not set up in {services.folder}. Run `make run` first, or give its address in TB_AIRFLOW_URL."
        )
    return f"http://127.0.0.1:{settings['TB_PORT_AIRFLOW']}", settings


def _password(user: str, settings: dict[str, str]) -> str:
    """TB_USER_PASSWORD; else what `make run` made for this user; else what is typed."""
    if given := os.environ.get("TB_USER_PASSWORD"):
        return given
    if made := settings.get(USERS.get(user, ("", ""))[1]):
        return made
    if not sys.stdin.isatty():
        raise Refused(f"There is no password for {user}. Give it in TB_USER_PASSWORD.")
    return getpass.getpass(f"Password of {user}: ")


# The stores -----------------------------------------------------------------------------------------------------------


@contextmanager
def as_desk() -> Iterator[psycopg.Connection[Any]]:
    """A connection that may add decisions and verdicts, and nothing else."""
    with warehouse.connect(role="steward_desk") as connection:
        yield connection


@contextmanager
def told() -> Iterator[None]:
    """Raises the errors of the stores and of stewardship as `Refused`, with a sentence for the person who asked."""
    try:
        yield
    except decisions.Refused as problem:
        raise Refused(str(problem)) from None
    except LookupError as problem:
        if isinstance(
            problem, KeyError | IndexError
        ):  # stewardship raises LookupErrors with a sentence; these are faults
            raise
        raise Refused(str(problem)) from None
    except psycopg.OperationalError as problem:
        first = (str(problem).strip().splitlines() or [""])[0]
        raise Refused(
            f"The warehouse does not respond ({first}). Nothing was decided. Start it with `make run`."
        ) from None


# Decisions ------------------------------------------------------------------------------------------------------------


def _draft(asked: Asked) -> Draft:
    """The decision that was asked for, with its cells as they are now."""
    _fitting(asked)
    draft = Draft(asked.kind, asked.submission, asked.reason.strip(), assignee=asked.assignee, undoes=asked.undo)
    if asked.kind == "assign":
        return replace(draft, rule_id=asked.rule, column_name=asked.column)
    if asked.kind == "waive":
        draft = replace(draft, rule_id=asked.rule, until=_day(asked.until))
        if asked.provider:
            return replace(draft, provider_code=asked.provider.upper())
        return replace(draft, column_name=asked.column, cells=_cells(asked))
    if asked.kind == "correct":
        cells = {(cell.sheet, cell.line, cell.column_name): cell for cell in reversed(_cells(asked))}
        if len(cells) > 1:
            places = ", ".join(f"{sheet or ''} line {line} {column}".strip() for sheet, line, column in list(cells)[:4])
            raise Refused(
                f"A correction changes one cell, and these options match {len(cells)}: {harmless(places, None)} ... Add --sheet, --line, --column."
            )
        (cell,) = cells.values()
        with as_desk() as connection:
            reading = submitted_file.as_sent(*submitted_file.content_of(connection, asked.submission))
        if wrong := one_cell.wrong(reading, cell.sheet, cell.column_name, asked.value or ""):
            raise Refused(wrong)
        draft = replace(draft, new_value=asked.value, value_source=asked.source)
        return replace(draft, rule_id=asked.rule, column_name=cell.column_name, cells=(cell,))
    return draft


# Which options belong to which kind, besides the reason.
OPTIONS = {
    "assign": {"assignee", "rule", "column"},
    "waive": {"rule", "column", "lines", "sheet", "until", "provider"},
    "correct": {"rule", "column", "lines", "sheet", "value", "source"},
    "undo": {"undo"},
}
NEEDED = {
    "assign": {"assignee": "--assignee NAME"},
    "waive": {"rule": "--rule RULE", "until": "--until DAY (the last day of the waiver)"},
    "correct": {"lines": "--line N", "column": "--column NAME", "value": "--value TEXT", "source": "--source WHERE"},
    "undo": {"undo": "--undo NUMBER"},
}
KINDS = ("assign", "comment", "accept", "waive", "correct", "hold", "return", "undo")


def _fitting(asked: Asked) -> None:
    """Refuses options that the kind of decision does not use, and says which are missing."""
    if asked.kind not in KINDS:
        raise Refused(f"'{asked.kind}' is not a kind of decision. Expected one of {', '.join(KINDS)}.")
    options = ("rule", "column", "lines", "sheet", "value", "source", "until", "provider", "assignee", "undo")
    given = {name for name in options if getattr(asked, name) not in (None, ())}
    if useless := sorted(given - OPTIONS.get(asked.kind, set())):
        names = ", ".join("--" + name.removesuffix("s") if name == "lines" else "--" + name for name in useless)
        raise Refused(f"'{asked.kind}' does not use {names}. Leave it out.")
    if missing := [words for name, words in NEEDED.get(asked.kind, {}).items() if name not in given]:
        raise Refused(f"'{asked.kind}' also needs {', '.join(missing)}.")
    if not asked.reason.strip():
        raise Refused("A reason is missing. Say why, in a sentence that people will still understand next year.")


def _cells(asked: Asked) -> tuple[decisions.Cell, ...]:
    """The cells of open findings that match rule, column, lines and sheet."""
    with as_desk() as connection:
        found = decisions.cells_of(connection, asked.submission, asked.rule, asked.column, lines=asked.lines)
    chosen = tuple(
        cell
        for cell in found
        if (not asked.lines or cell.line in asked.lines) and asked.sheet in (None, cell.sheet)
    )  # fmt: skip
    if not chosen:
        raise Refused(
            f"No open finding of {asked.submission} matches. List them: trust-benchmarks findings --open --submission {asked.submission}"
        )
    if absent := sorted(set(asked.lines) - {cell.line for cell in chosen}):
        raise Refused(
            f"There is no open finding at line {', '.join(map(str, absent))}. Leave the line out, or correct it."
        )
    return chosen


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        raise Refused(f"'{text}' is not a valid date. Give the last day of the waiver, such as 2027-03-31.") from None


def agreed(yes: bool, question: str) -> None:
    """Asks for confirmation; raises `Refused` without it."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused(
            "Nothing was decided: this is not an interactive terminal. Look at the preview above and add --yes."
        )
    if not typer.confirm(question, default=False, err=True):
        raise Refused("Nothing was decided.")


# What is shown --------------------------------------------------------------------------------------------------------


def _shown(decision: Draft | int, name: str) -> str | None:
    """Writes the preview of a decision; returns the release that would follow."""
    found = preview(decision, name)

    def change(*values: object) -> str:
        before, after = ("none" if value is None else str(value).replace("_", " ") for value in values)
        return before if before == after else f"{before} -> {after}"

    rows = [
        ("submission", change(found.state_before, found.state_after)),
        ("rows recorded", change(found.rows_recorded_before, found.rows_recorded_after)),
        ("rows rejected", change(found.rows_rejected_before, found.rows_rejected_after)),
        ("version in published figures", change(found.counts_before, found.counts_after)),
        ("release", change(found.release_before, found.release_after)),
        ("other providers that change quartile", str(found.others_changed_quartile)),
        ("other releases updated", ", ".join(" ".join(pair) for pair in found.follows) or "none"),
    ]
    write(rows, ["what would change", f"{found.collection} {found.period or ''}".strip()], Format.table)
    if found.missing:
        write([[one] for one in found.missing], ["what would be missing"], Format.table)
    names = ["metric_id", "provider_code"]
    pairs = [f"{name}_{when}" for name in ("value", "rank", "opportunity") for when in ("before", "after")]
    changed = [[one[name] for name in names + pairs] for one in found.measures if one["changed"]]
    if changed:
        write(changed, names + pairs, Format.table, limit=SHOWN, more="The steward desk shows all of them.")
    same = len(found.measures) - len(changed)
    note(
        f"{len(changed)} measures would change, {same} would not. Calculated in {found.seconds:.1f} s; nothing has been decided yet."
    )
    return found.release_after


def _about(one: decisions.Decision) -> None:
    wanted = (
        "kind", "author", "collection", "period", "sender", "rule_id", "column_name", "provider_code", "new_value", "value_source", "until",
        "reason",
    )  # fmt: skip
    rows = [(name.replace("_", " "), getattr(one, name)) for name in wanted if getattr(one, name)]
    rows.append(("cells", len(one.cells)))
    write(rows, [f"decision {one.decision_id}", one.state.replace("_", " ")], Format.table)


def _outcome(decision_id: int, who: Asker) -> None:
    """Reports the state of a decision, and asks Airflow to start if it is in force."""
    with as_desk() as connection:
        one = decisions.get(connection, decision_id)
    state = one.state.replace("_", " ")
    print(f"Decision {decision_id} ({one.kind}) is {state}.")
    if one.state == "proposed":
        note(f"A second person must approve it: trust-benchmarks approve {decision_id} --user NAME")
    elif one.kind in decisions.CHANGES_FIGURES and one.state == "in_force" and one.period:
        if airflow_client.start_collection(who.url, who.token, one.collection, one.period):
            note(f"Airflow is collecting {one.collection} {one.period}; the release follows in a few minutes.")
        else:
            note("Airflow could not be notified. It checks for waiting returns every 15 minutes (receive_inbox).")
