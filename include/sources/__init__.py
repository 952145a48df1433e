"""Where files come from by themselves: what publishers offer, what was had of it, and fetching the rest into the inbox.

declared.py   what `source.toml` of a collection says, and when a publisher is due
settings.py   whether anything is fetched, and under what name
web.py        polite, bounded and checked requests over HTTP
offers.py     what a publisher offers: period, part, edition, link, publisher's date
ckan.py page.py url.py s3.py   one kind each: from an address to offers
content.py    whether what came is the file that was meant
ledger.py     what was seen, as facts in the warehouse
fetch.py      one look at one source: discover, choose, download, inbox, note
"""
