-- One offer.
SELECT preview_id, collection, period, release_id, offered_at, ends_at, state, extended_because, verdict_reason, replaces_id, edition_number,
       closed_at, offered, looked, commented, asked, signed, is_sample
FROM intake.previews WHERE preview_id = %(preview_id)s
