"""Sends messages through the mail server of Airflow's connection `smtp_default`, with Airflow's SMTP provider."""

import smtplib
from email.message import EmailMessage

from airflow.providers.smtp.hooks.smtp import SmtpHook

CONNECTION = "smtp_default"


class Unsendable(RuntimeError):
    """No mail server or sender is configured; the message says how to name one."""


def deliver(message: EmailMessage) -> None:
    """Sends one message to the addresses in its header To. Works only inside an Airflow task.

    The provider's own `send_email_smtp` makes HTML-only mails and sends again when it cannot know whether the first attempt got
    through. Here the provider only connects; the retries of the task decide.

    Raises:
        Unsendable: the connection is incomplete.
        smtplib.SMTPException, OSError: what the server or the network answers.
    """
    with SmtpHook(CONNECTION) as hook:
        client = hook._smtp_client
        if not hook.from_email or not isinstance(client, smtplib.SMTP):
            raise Unsendable(
                f"The connection {CONNECTION} has no sender. Add a from_email to the extra of the connection."
            )
        del message["From"]
        message["From"] = hook.from_email
        client.send_message(message, from_addr=hook.from_email)
