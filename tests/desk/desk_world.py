"""Made-up returns that give the desk something of each sort to show."""

from datetime import date, timedelta

import flow
from trust_benchmarks.stewardship import bulk
from trust_benchmarks.stores import warehouse

PERIOD = "2025-06"
NEXT_YEAR = (date.today() + timedelta(365)).isoformat()  # a last day of a waiver
SUPPRESSED = "RNU"  # whose value of WF12 is suppressed
# What hostile cells may hold. None of it may reach a page as anything but text.
HOSTILE = {
    "script": "<script>alert('x')</script>",
    "image": "<img src=x onerror=alert(1)>",
    "svg": "<svg/onload=alert(1)>",
    "attribute": '" onmouseover="alert(1)" x="',
    "single quote": "' autofocus onfocus='alert(1)",
    "closing tag": "</td></tr></table><h1>taken over</h1>",
    "entity": "&lt;script&gt;alert(1)&lt;/script&gt;&#x3c;b&#x3e;",
    "comment": "<!-- --><!--[if IE]><script>alert(1)</script><![endif]-->",
    "template": "{{ 7*7 }}{% raw %}${7*7}#{7*7}",
    "link": "javascript:alert(1)",
    "style": "<style>body{display:none}</style>",
    "frame": "<iframe src='https://example.org'></iframe>",
    "formula": '=HYPERLINK("http://example.org","click")',
    "command": "=cmd|' /C calc'!A0",
    "right to left": "abc\u202egpj.exe\u202c",
    "isolates": "\u2066\u2067hidden\u2069\u200f\u200e",
    "zero width": "pay\u200bpal\u200d\ufeff\u2060",
    "control": "a\x07b\x1b[31mred\x1b[0m\x08\x7f\x85",
    "tags": "flag\U000e0041\U000e0042",
    "combining": "Z" + "\u0334\u0335\u0336" * 60,
    "very long": "x" * 5000,
    "long words": "long words " * 200,
}


def hostile_rows(rows) -> None:
    """Puts hostile texts where numbers must stand, and one into a heading's column."""
    columns = ("headcount", "fte", "joiners_hc", "leavers_hc", "bank_fte", "agency_fte")
    texts = list(HOSTILE.values())
    for number, text in enumerate(texts):
        rows[number % 10][columns[number // 10]] = text


def few_appraisals(rows) -> None:
    """Four of twenty appraisals: too few people to show."""
    rows[0] |= {"appraisals_due": "20", "appraisals_done": "4"}


def batch_of(submission_id: str, author: str) -> str:
    """A waiver that was made as one of a batch, for the page of the batch."""
    with warehouse.connect() as connection:
        day = date.fromisoformat(NEXT_YEAR)
        made = bulk.drafts(
            connection, "waive", {submission_id: [None]}, rule_id="WF-R2", reason="Known to the trust.", until=day
        )
        return bulk.decide(connection, made.values(), author)


def make() -> dict[str, str]:
    """Puts the returns through the pipeline; submission ids by what they are for."""
    for number, ods in enumerate(flow.TRUSTS[:5]):
        change = few_appraisals if ods == SUPPRESSED else lambda rows: None
        flow.put_return(ods, PERIOD, flow.workforce(ods, PERIOD, scale=1 + number / 10, change=change))
    flow.put_return("RX4", PERIOD, flow.workforce("RX4", PERIOD, scale=1.3))
    flow.put_return("RTQ", PERIOD, flow.workforce("RTQ", PERIOD, change=hostile_rows))
    flow.put("workforce/sample_workforce_RT5_2025-06.csv", flow.workforce("RT5", PERIOD), sample=True)
    flow.put_return("RA9", "2025-05", flow.workforce("RA9", "2025-05"))
    flow.put(
        "workforce/who_knows.csv", flow.text([row | {"ods_code": "", "period": ""} for row in flow.workforce_rows()])
    )
    flow.put("workforce/nothing_in_it.csv", b"")
    flow.put("workforce/workforce_RHA_2025-05_v1.csv", b"not,a\nreturn,at all\n")
    flow.take_in()
    flow.release()

    def spoil(rows):
        del rows[-1]  # a staff group is missing: that holds it
        rows[0]["fte"] = "about ninety"
        rows[1]["headcount"] = ""
        rows[2]["fte"] = "99999"

    flow.put_return("RX4", PERIOD, flow.workforce("RX4", PERIOD, scale=1.3, change=spoil), version=2)
    flow.take_in()
    flow.release()
    found = flow.rows("SELECT sender, version, submission_id FROM intake.submissions WHERE period = %s", [PERIOD])
    return {f"{sender} v{version}": submission_id for sender, version, submission_id in found}
