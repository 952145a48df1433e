"""The trusts' own room: its pages for contacts of trusts, who check, send and see what is theirs. A process of its own.

It logs in to the warehouse as `trust_room`, which can call the functions of schema `room` and do nothing else
(include/sql/migrations/17_room.sql): the database finds out from a session's token whose trusts it may speak of.
"""
