"""The national publishers as they go through a year: pages made of what was published so far, and faults put over them."""

from urllib.parse import quote

import made
import publisher
from made import month_name

STATISTICS = "/data-and-information/publications/statistical"
TARIFF = "/pharmacies-gp-practices-and-appliance-contractors/drug-tariff"
PROVISIONAL = "secondary-care-medicines-data-indicative-price"
FINAL = "finalised-secondary-care-medicines-data-scmd-with-indicative-price"
SERIES = {
    "sickness_absence": "nhs-sickness-absence-rates",
    "staff_turnover": "nhs-workforce-statistics",
    "estates": "estates-returns-information-collection",
    "out_of_area_placements": "out-of-area-placements-in-mental-health-services",
}


def before(period, months=1):
    at = int(period[:4]) * 12 + int(period[5:]) - 1 - months
    return f"{at // 12}-{at % 12 + 1:02d}"


class Nation:
    """`truth`: (collection, part, period) -> what was published of it, one after the other."""

    def __init__(self, playing):
        self.tariff, self.series, self.files = (
            playing["www.nhsbsa.nhs.uk"],
            playing["digital.nhs.uk"],
            playing["files.digital.nhs.uk"],
        )
        self.portal = publisher.Portal(playing["opendata.nhsbsa.net"])
        self.truth, self.links, self.issues = {}, {"viii": [], "ix": []}, {name: {} for name in SERIES}
        for name in self.links:
            self.tariff.plans[f"{TARIFF}/drug-tariff-part-{name}"] = self.tariff_page(name)
        for name, slug in SERIES.items():
            self.series.plans[f"{STATISTICS}/{slug}"] = self.series_page(name, slug)
        self.made = 0

    # The Drug Tariff ---------------------------------------------------------------------------------------------------

    def put_tariff(self, part, period, content, folder=None, name=None, text=None, plan=None, counts=True):
        """A new link at the head of its page, or another file under an old one."""
        folder = folder or before(period)
        name = name or {
            "viii_a": f"Part VIIIA {month_name(period)[:3]} {period[2:4]}.csv", "cat_m": f"Cat M Prices - Quarter 1 {month_name(period)[:3]} {period[2:4]}.csv",
            "ix": f"Drug Tariff Part IX {month_name(period)} {period[:4]}.csv",
        }[part]  # fmt: skip
        text = text or {
            "viii_a": f"Part VIIIA {month_name(period)} {period[:4]} (CSV: 300KB)", "cat_m": f"Category M Prices - Quarter 4 {month_name(period)} {period[:4]} (CSV: 9KB)",
            "ix": f"Drug Tariff Part IX {month_name(period)} {period[:4]} (CSV: 9MB)",
        }[part]  # fmt: skip
        path = f"/sites/default/files/{folder}/{quote(name)}"
        self.tariff.plans[path] = plan or publisher.serve(content)
        page = self.links["ix" if part == "ix" else "viii"]
        if (path, text) not in page:
            page.insert(0, (path, text))
            page.insert(1, (path.replace(".csv", ".xlsx"), text.replace("CSV", "Excel")))
        if counts:
            self.truth.setdefault(("drug_tariff", part, period), []).append(content)
        return path

    def tariff_page(self, name):
        def plan(handler):
            links = "\n".join(f'<li><a href="{path}">{text}</a></li>' for path, text in self.links[name])
            page = f'<html><body><div class="expander-content"><ul>{links}<li><a href="/x">Part VIIIB June 2026 (CSV: 1KB)</a></li></ul></div></body></html>'
            return publisher.page(page)(handler)

        return plan

    # Series of NHS England Digital -------------------------------------------------------------------------------------

    def put_issue(self, collection, period, files, slug=None, upcoming=False):
        """The page of an issue: files by (text, name) -> content or plan; each gets an address of its own."""
        links = []
        for (text, name), content in files.items():
            self.made += 1
            path = f"/{self.made % 256:02X}/{self.made:06X}/{quote(name)}"
            self.files.plans[path] = content if callable(content) else publisher.serve(content)
            links.append((self.files.url + path, text))
        slug = slug or (
            f"summary-page-and-dataset-for-eric-{period}"
            if collection == "estates"
            else f"{month_name(period).lower()}-{period[:4]}"
        )
        self.issues[collection][slug] = (period, links, upcoming)
        path = f"{STATISTICS}/{SERIES[collection]}/{slug}"
        said = (
            "<p>Upcoming, not yet published</p>" if upcoming else f"<p>Publication date: 24 September {period[:4]}</p>"
        )
        html = "".join(f'<a href="{address}">{text}</a>' for address, text in links)
        self.series.plans[path] = publisher.page(f"<html><body>{said}{html}</body></html>")
        return path

    def series_page(self, name, slug):
        def plan(handler):
            issues = sorted(self.issues[name].items(), key=lambda one: one[1][0], reverse=True)
            boxes = "".join(
                f'<div class="callout-box"><h3><a class="cta__button" href="{STATISTICS}/{slug}/{at}">{name}, {period}</a></h3></div>'
                for at, (period, _, _) in issues
            )
            page = f'<html><body><a href="/about">About</a><div id="past-publications">{boxes}</div></body></html>'
            return publisher.page(page)(handler)

        return plan

    def put_sickness(self, period, content, plan=None, counts=True):
        name = f"NHS Sickness Absence rates CSV, {month_name(period)} {period[:4]}.csv"
        files = {(name, name): plan or content} | {
            (name.replace("CSV", f"by {what} CSV"),) * 2: b"another" for what in ("reason", "reason and staff group")
        }
        path = self.put_issue(
            "sickness_absence", period, files | {("Sickness absence benchmarking CSV", "benchmarking.csv"): b"other"}
        )
        if counts:
            self.truth.setdefault(("sickness_absence", "", period), []).append(content)
        return path

    def put_turnover(self, period, seed=0, plan=None, counts=True):
        zip_file = made.turnover_zip(period, seed)
        files = {
            ("Turnover benchmarking - CSV data files", "turnover.zip"): plan or zip_file,
            ("Workforce CSV", "NHS Workforce Statistics csv files.zip"): b"x",
        }
        # Published with the month before in its slug: the file says which month it is.
        slug_of = before(period)
        path = self.put_issue("staff_turnover", slug_of, files)
        if counts:
            self.truth.setdefault(("staff_turnover", "", period), []).append(made.turnover(period, seed=seed))
        return path

    def put_eric(self, year, seed=0, slug=None):
        named = year.replace("-", "_")
        files = {
            (f"ERIC - {named} - Site data", f"ERIC - {named} - Site data.csv"): made.eric(year, seed),
            ("ERIC PFI site data", "PFI site data.csv"): b"x",
        }
        self.put_issue("estates", year, files, slug)
        self.truth.setdefault(("estates", "site", year), []).append(made.eric(year, seed))

    def put_oaps(self, period):
        name = f"oaps-open-data-{month_name(period)[:3].lower()}-{period[:4]}.csv"
        self.put_issue(
            "out_of_area_placements", period, {("Out of area placements open data", name): made.oaps(period)}
        )
        self.truth.setdefault(("out_of_area_placements", "", period), []).append(made.oaps(period))

    # SCMD ---------------------------------------------------------------------------------------------------------------

    def put_scmd(self, kind, period, seed=0, modified=None, counts=True, plan=None):
        package = FINAL if kind == "FINAL" else PROVISIONAL
        content = made.scmd(period, seed=seed)
        self.portal.put(
            package, f"SCMD_{kind}_{period.replace('-', '')}", content, f"{period}-28T09:30:00.1", modified, plan
        )
        if counts:
            self.truth.setdefault(("medicines_stock", "", period), []).append(content)
