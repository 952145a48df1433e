"""Headings that come close to a missing one: named in a question, never taken for it."""

from ..catalogue.layouts import heading_key

CLOSE = 80  # of 100, by the share of letters that need no change
MOST_LETTERS, MOST_HEADINGS = 200, 300  # longer cells and wider tables are not compared


def near_misses(missing: list[str], found: list[str]) -> dict[str, str]:
    """heading as sent -> the missing heading that it may stand for; each of both at most once, the closest first."""
    from rapidfuzz import fuzz, process  # only a file that does not fit needs it

    sent = [heading for heading in found if heading.strip() and len(heading) <= MOST_LETTERS][:MOST_HEADINGS]
    bare = [heading.rsplit(" :: ", 1)[-1].split("#")[0] for heading in missing[:MOST_HEADINGS]]
    if not sent or not bare:
        return {}
    scores = process.cdist([heading_key(one) for one in sent], [heading_key(one) for one in bare], scorer=fuzz.ratio)
    ranked = sorted((-scores[i][j], i, j) for i in range(len(sent)) for j in range(len(bare)) if scores[i][j] >= CLOSE)
    named, taken = {}, set()
    for _, i, j in ranked:
        if sent[i].strip() not in named and j not in taken:
            named[sent[i].strip()] = bare[j]
            taken.add(j)
    return named
