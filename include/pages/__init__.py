"""What pages have in common: the desk's, the room's, and the front page of what is published.

readable.py    times, numbers, counts and titles as people read them
entered.py     what people write in forms: no personal data, not too long
templates.py   templates whose every text is harmless and escaped
requests.py    headers of each answer; posts that another site made a browser send
"""
