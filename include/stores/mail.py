"""Sends mail through the mail server of Airflow's connection `smtp_default`, with Airflow's SMTP provider."""

import re
import smtplib
from email.message import EmailMessage

CONNECTION = "smtp_default"
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


class Unsendable(RuntimeError):
    """The mail server cannot be reached or lets nobody in; no message is at fault."""


class NoMailServer(Unsendable):
    """No mail server or sender is configured; the message says how to name one."""


def deliver(message: EmailMessage) -> None:
    """Sends one message to the addresses in its header To.

    The provider's own `send_email_smtp` makes HTML-only mails and sends again when it cannot know whether the first attempt got
    through. Here the provider only connects; whoever calls decides about trying again.

    In a task the connection may stand wherever Airflow keeps connections; in another process in AIRFLOW_CONN_SMTP_DEFAULT.

    Raises:
        NoMailServer: the connection does not exist or is incomplete.
        Unsendable: the server cannot be reached.
        smtplib.SMTPException, OSError: what the server or the network answers about this message.
    """
    # Airflow takes a second to import, and the desk needs none of it.
    from airflow.providers.smtp.hooks.smtp import SmtpHook  # noqa: PLC0415
    from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException  # noqa: PLC0415

    hook = SmtpHook(CONNECTION)
    try:
        SmtpHook.get_connection(CONNECTION)
        hook.get_conn()
    except AirflowNotFoundException as problem:
        raise NoMailServer(f"No mail server is configured. Set AIRFLOW_CONN_{CONNECTION.upper()}.") from problem
    except (AirflowException, smtplib.SMTPException, OSError) as problem:
        raise Unsendable(f"The mail server of {CONNECTION} cannot be used: {problem}") from problem
    with hook:
        client = hook._smtp_client
        if not hook.from_email or not isinstance(client, smtplib.SMTP):
            raise NoMailServer(
                f"The connection {CONNECTION} has no sender. Add a from_email to the extra of the connection."
            )
        del message["From"]
        message["From"] = hook.from_email
        client.send_message(message, from_addr=hook.from_email)
