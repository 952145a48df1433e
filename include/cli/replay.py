"""The rule lab at the terminal, and asking for returns to be validated again."""

import csv
from html import escape
from pathlib import Path

from .. import catalogue
from ..reading.harmless import csv_safe, harmless
from . import Refused, desk, embedded
from .output import Format, note, words, write

SUBMISSIONS = ("submission_id", "period", "sender", "part", "version", "before", "after", "when", "file_name")
RULES = ("rule_id", "severity", "change", "by_itself", "on_request", "submissions", "example")
RELEASES = ("collection", "period", "release_id", "figures", "moved", "appear", "go")
BROKE = ("submission_id", "period", "sender", "file_name", "problem")
MORE = "The page (--html) and the tables (--keep) have all."


def revalidate(
    collection: str, period: str | None, accepted_too: bool, reason: str, user: str | None, yes: bool
) -> None:
    """Says what would be validated again, asks, and puts down that somebody wants it.

    Raises:
        Refused: no right to, no reason, no such collection or period, or not wanted after what was shown.
    """
    from ..records import revalidation_requests as requests
    from ..records import rules_in_force
    from ..reference import calendar
    from ..stores import warehouse

    name = catalogue.load(collection).name
    if period is not None:
        _period(calendar, period)
    if not reason.strip():
        raise Refused("A reason is missing. Say why, in a sentence that will still be understood next year.")
    who = desk.sign_in(user)
    if not (who.may_approve if accepted_too else who.may_act):
        wanted = "an approver" if accepted_too else "a steward"
        raise Refused(f"{who.name} may not have returns validated again. Ask {wanted}.")
    with embedded.stores(), desk.told():
        with warehouse.connect() as connection:
            rules_in_force.note_rules(connection, [name])
            plan = requests.planned(connection, name, period, accepted_too)
        where = f"{name} {period}" if period else name
        many = plan["held"] + plan["accepted"]
        note(
            f"{where}: {plan['held']} held"
            + (f" and {plan['accepted']} accepted" if accepted_too else "")
            + f" submission{'' if many == 1 else 's'} will be validated again by the rules in force. "
            f"{plan['current']} were validated by them already and would come to the same: they are left alone."
        )
        if not many:
            note("There is nothing to do.")
            return
        if accepted_too and plan["accepted"]:
            note(f"See first what would change: trust-benchmarks replay --collection {name} --all")
        desk.agreed(yes, "Validate them again?")
        with warehouse.connect() as connection:
            asked = requests.ask(connection, name, period, accepted_too, who.name, reason.strip())
    note(
        ("It was put down under your name." if asked else "The same was asked for before.")
        + " receive_inbox takes them up within 15 minutes; start it in Airflow to have it at once."
    )


def replay(
    collection: str, since: str | None, accepted_too: bool, html: Path | None, keep: Path | None, limit: int | None
) -> None:
    """Replays a collection and says what would change, as tables and as a page.

    Raises:
        Refused: no such collection or period, or a file that cannot be written.
    """
    from ..reference import calendar
    from ..stewardship import replay as lab

    name = catalogue.load(collection).name
    if since is not None:
        _period(calendar, since)
    with embedded.stores(), desk.told():
        found = lab.replay(
            name, since, accepted_too=accepted_too, keep=keep and keep / "records",
            report=lambda count: note(f"{count} submissions have been read ..."),
        )  # fmt: skip
    if not (html or keep):
        note("Nothing of this is kept.")
    for title, names, rows in tables(found):
        if rows:
            print(f"\n{title}")
            write([[row.get(one) for one in names] for row in rows], names, Format.table, limit=limit, more=MORE)
    for sentence in summary(found):
        print(sentence)
    try:
        if html:
            html.write_text(page(found), encoding="utf-8")
        if keep:
            _keep(found, keep)
    except OSError as problem:
        raise Refused(
            f"{problem.filename} cannot be written ({problem.strerror}). Name another file or folder."
        ) from None


def _period(calendar, period: str) -> None:
    try:
        calendar.kind(period)
    except calendar.PeriodError as problem:
        raise Refused(str(problem)) from None


def summary(found) -> list[str]:
    """What a replay found, in sentences."""
    by_itself = sum(one["when"] == "by itself" for one in found.submissions)
    asked = len(found.submissions) - by_itself
    changes = len(found.rules)
    said = [
        f"{found.read} submissions of {found.collection}"
        + (f" since {found.since}" if found.since else "")
        + f" were read again in {found.seconds:.0f} s: {found.same} come to the same.",
        f"{by_itself} change state by themselves; {asked} accepted or replaced ones would only if somebody asks for it."
        if found.submissions
        else "No submission changes state.",
        f"Findings appear or go in {changes} kinds." if changes else "No finding appears or goes.",
        f"{found.figures_moved} figures in {len(found.releases)} releases move, appear or go, "
        + ("with accepted returns validated again too." if found.accepted_too else "of what follows by itself.")
        if found.releases
        else "No figure moves.",
    ]
    if found.broke:
        said.append(f"Our code broke on {len(found.broke)} submissions: mend that first.")
    return said


def tables(found) -> list[tuple[str, tuple[str, ...], list[dict]]]:
    """What a replay found, as tables: title, columns, rows."""
    figures = tuple(found.figures[0]) if found.figures else ()
    return [
        ("Our code broke on", BROKE, found.broke),
        ("Submissions that change state", SUBMISSIONS, found.submissions),
        ("Findings that appear or go", RULES, found.rules),
        ("Releases that would be made anew", RELEASES, found.releases),
        ("Figures that move, the largest changes first", figures, found.figures),
    ]


STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; color: #0b0c0c; }
table { border-collapse: collapse; margin: 0 0 2rem; font-size: 14px; } caption { text-align: left; font-weight: bold; font-size: 18px; padding: 0 0 .5rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #b1b4b6; overflow-wrap: anywhere; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
"""


def page(found) -> str:
    """What a replay found, as one page that needs nothing else: text from files is escaped, and no script runs in it."""
    title = f"Replay of {found.collection}" + (f" since {found.since}" if found.since else "")
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{_safe(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{_safe(title)}</h1>",
        "<p>What the rules, layouts and methods of this checkout would change beside what stands. Nothing was changed.</p>",
        "<ul>" + "".join(f"<li>{_safe(sentence)}</li>" for sentence in summary(found)) + "</ul>",
    ]
    for caption, names, rows in tables(found):
        if not rows:
            continue
        head = "".join(f'<th scope="col">{_safe(name.replace("_", " "))}</th>' for name in names)
        body = "\n".join("<tr>" + "".join(_cell(row.get(name)) for name in names) + "</tr>" for row in rows)
        more = ""
        if caption.startswith("Figures") and found.figures_moved > len(rows):
            more = f"<p>{len(rows)} of {found.figures_moved} figures are listed.</p>"
        parts.append(
            f"<table>\n<caption>{_safe(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>{more}"
        )
    return "\n".join([*parts, "</body>\n</html>\n"])


def _cell(value) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f'<td class="number">{_safe(f"{value:,.6g}" if isinstance(value, float) else f"{value:,}")}</td>'
    return f"<td>{_safe(words(value) or '')}</td>"


def _safe(text: str) -> str:
    return escape(harmless(text, None))


def _keep(found, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (_, columns, rows) in zip(
        ("broke", "submissions", "rules", "releases", "figures"), tables(found), strict=True
    ):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([csv_safe(words(row.get(one)) or "") for one in columns] for row in rows)
