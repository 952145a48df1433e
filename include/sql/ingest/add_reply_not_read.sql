-- What stood in a workbook as a reply and could not be read as one.
INSERT INTO core.reply_not_read (submission_id, number, why) VALUES (%(submission_id)s, %(number)s, %(why)s) ON CONFLICT DO NOTHING
