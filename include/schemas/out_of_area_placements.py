"""What a valid out-of-area placements file is: one row a question and breakdown, as NHS Digital published it."""

import polars as pl

from .fields import ODS_CODE, choice, number, text
from .models import Model
from .rules import HOLD, INFO, REJECT, About, Rule, provider_where, reject, warn

# Questions whose rows add up to their total; of the others (averages, quartiles, shares) they do not.
COUNTS = (
    "active_at_end", "started", "ended",
    "distance_under_25_km", "distance_25_to_50_km", "distance_50_to_100_km", "distance_100_to_200_km",
    "distance_200_to_300_km", "distance_300_km_and_more",
    "stay_1_to_7_nights", "stay_8_to_14_nights", "stay_15_to_30_nights", "stay_31_nights_and_more",
)  # fmt: skip
ADDING = (*COUNTS, "days", "cost_gbp")
OTHERS = (
    "share_of_days_with_cost", "daily_cost_average_gbp", "daily_cost_lower_quartile_gbp",
    "daily_cost_upper_quartile_gbp", "distance_average_km", "distance_lower_quartile_km",
    "distance_upper_quartile_km", "stay_average_days",
)  # fmt: skip
PLACES = ("ccg", "receiving_provider", "region", "sending_provider", "stp")
KINDS = ("bed_type", "gender", "mental_health_act", "primary_diagnosis", "reason", "receiver_group")
# exact: as published. rounded: below England, counts to 5 and shares to 2 decimals. six_digits: written as 6.7639e+006.
# suppressed: '*', which stands for fewer than 5 and for none, so it is neither a nil return nor a figure.
STATUSES = ("exact", "rounded", "six_digits", "suppressed", "unreadable")

KEY = ("question", "org_type", "org_code", "breakdown", "breakdown_code")
COMPLETE = None
SEVERITIES = {"STR03": REJECT}

# Trusts and care trusts by the form of their codes, and the three social enterprises with acute mental health beds.
# Independent hospitals, commissioners, regions, England and 999 (not in scope) are recorded and counted, never measured.
SOCIAL_ENTERPRISES = ("NNF", "NQL", "NR5")
SENDING = (pl.col("org_type") == "sending_provider") & (pl.col("org_code") != "England")
BODY = provider_where(
    SENDING & (pl.col("org_code").str.contains(r"^[RT][A-Z0-9]{2}$") | pl.col("org_code").is_in(SOCIAL_ENTERPRISES))
)


class Row(Model):
    """One question about one organisation, place or kind of placement, perhaps broken down once more."""

    published_in: str = text("Month of publication, as published", required=False, example="2017/04", longest=10)
    published_period: str = text("Period of the row, as published", required=False, example="2017/02", longest=10)
    question: str = choice("What is counted", ADDING + OTHERS)
    org_type: str = choice("What the row is about", ("england", *PLACES, *KINDS))
    org_code: str = text(
        "Code within what the row is about; England is the publisher's total", required=False, longest=20, role="code"
    )
    org_name: str = text(
        "The code in words", required=False, example="Leicestershire Partnership NHS Trust", longest=200
    )
    breakdown: str = choice("Second breakdown", ("none", *KINDS), required=False)
    breakdown_code: str = text(
        "Code within the second breakdown; 0 is its total", required=False, longest=20, role="code"
    )
    breakdown_name: str = text("That code in words", required=False, longest=200)
    ods_code: str = text("Organisation, by ODS code", required=False, pattern=ODS_CODE, example="RT5")
    as_published: str = text("Value as published", example="203", longest=40)
    value: pl.Float64 = number("Exact value", "the question's unit", required=False, ge=0)
    rounded_value: pl.Float64 = number("Value that the publisher rounded", "the question's unit", required=False, ge=0)
    value_status: str = choice("What is known of the value", STATUSES, required=False)


def rules() -> list[Rule]:
    """The rules between fields."""
    c = pl.col
    is_national = (c("org_code") == "England") & (c("org_type") != "england") & (c("breakdown") == "none")
    is_total = is_national | ((c("breakdown") != "none") & (c("breakdown_code") == "0"))
    adding = c("question").is_in(ADDING)
    figure = pl.coalesce("value", "rounded_value")
    # A number written with six digits may be half a unit of its sixth digit away from the true one.
    slack = pl.when(c("value_status") == "six_digits").then(0.5 * 10 ** (figure.log10().floor() - 5)).otherwise(0)
    under = pl.when(c("breakdown") == "none").then(pl.lit("England")).otherwise(c("org_code"))
    of = ["question", "org_type", "breakdown", under]
    known = c("value_status").is_in(["exact", "six_digits"]).all().over(of)
    rows = pl.when(~is_total).then(figure).sum().over(of)
    england = pl.when(c("org_type") == "england").then(figure).max().over("question")
    suppressed = (c("value_status") == "suppressed").sum()
    return [
        reject(
            "OAP-R1",
            ("as_published",),
            c("value_status") != "unreadable",
            "'{as_published}' is neither a number nor '*'. Expected a number, or '*' where it is suppressed; a dash or a word is not taken as 0: "
            "ask the publisher what it means.",
        ),
        # Only where nothing under the total is suppressed or rounded to 5 can the sum be known.
        warn(
            "OAP-R2",
            ("as_published",),
            ~(is_total & adding & known) | ((rows - figure).abs() <= slack.sum().over(of) + 1e-6),
            "The publisher's total of '{question}' by {org_type} is {as_published}, but the rows under it add up to {rows}. "
            "Expected the total to be their sum: ask which is right. Both were recorded as published.",
            values={"rows": rows},
        ),
        warn(
            "OAP-R3",
            ("as_published",),
            ~(is_national & adding) | (figure == england),
            "The publisher's total of '{question}' by {org_type} is {as_published}, but that of England is {england}. "
            "Expected the same total in every breakdown: ask which is right.",
            values={"england": england},
        ),
        warn(
            "OAP-R4",
            ("as_published",),
            c("value_status") != "six_digits",
            "'{as_published}' was written with six digits only, so the true value is not known. Expected all digits: ask for the file with whole "
            "numbers. Recorded as rounded; figures that need the exact value stay empty.",
        ),
        # In the three months all 2,493 counts below England are multiples of 5.
        warn(
            "OAP-R5",
            ("as_published",),
            (c("value_status") != "rounded") | ~c("question").is_in(COUNTS) | (c("rounded_value") % 5 == 0),
            "{as_published} of {org_code} is no multiple of 5. Expected counts below England rounded to 5: ask whether the publisher's way of "
            "rounding has changed.",
        ),
        Rule(
            "OAP-R7",
            HOLD,
            ("org_type",),
            ((c("org_type") == "england") & (c("question") == "days")).any() & SENDING.any(),
            "The total of England or the rows of sending providers are not there. Expected both in a whole file: send the whole file.",
            scope="submission",
        ),
        Rule(
            "OAP-R8",
            INFO,
            ("as_published",),
            suppressed == 0,
            "{stars} of {rows} values are '*': fewer than 5 or none, which the publisher does not tell apart. They were recorded as suppressed, "
            "not as 0. Nothing to do.",
            scope="submission",
            values={"stars": suppressed, "rows": pl.len()},
        ),
    ]


def rules_about(about: About) -> list[Rule]:
    """The rules that compare a row with the period that its file is about."""
    c = pl.col
    return [
        reject(
            "OAP-R6",
            ("published_period",),
            c("published_period").is_null() | (c("published_period") == about.period.replace("-", "/")),
            f"The row is about {{published_period}}, but the file is about {about.period}. Expected {about.period.replace('-', '/')} in every row.",
        ),
    ]
