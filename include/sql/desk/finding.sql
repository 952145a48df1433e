-- One finding of a submission.
SELECT * FROM intake.findings WHERE submission_id = %(submission_id)s AND finding_id = %(finding_id)s
