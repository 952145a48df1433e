"""What the desk's pages and the room's have in common.

readable.py    times, counts and titles as people read them
entered.py     what people write in forms: no personal data, not too long
templates.py   templates whose every text is harmless and escaped
requests.py    headers of each answer; posts that another site made a browser send
"""
