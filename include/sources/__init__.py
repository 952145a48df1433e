"""Where files come from by themselves: what publishers offer, what of it was fetched, and fetching the rest into the inbox.

declared.py   what `source.toml` of a collection says, and when a publisher is due
settings.py   whether anything is fetched, and under what name
outcomes.py   what a look or a file can come to, and what to do about each
due.py        which sources to look at now
fetch.py      one look at one source: ask, download, inbox, note
choose.py     which of the files offered are asked for
history.py    what was seen before of one part of a collection
ledger.py     what was seen, as facts in the warehouse
web.py        polite, bounded and checked requests over HTTP
offers.py     what a publisher offers: period, part, edition, link, publisher's date
ckan.py page.py url.py s3.py   one kind each: from an address to offers
content.py    whether what came is the file that was meant
reference_proposal.py   fetches reference data and proposes changes, for a person to review
reference_files.py      reads ODS's and GOV.UK's files, and what they say that our tables do not
"""
