"""Hands messages to the mail server of Airflow's connection `smtp_default`, through Airflow's SMTP provider."""

from email.message import EmailMessage

from airflow.providers.smtp.hooks.smtp import SmtpHook

CONNECTION = "smtp_default"


class Unsendable(RuntimeError):
    """There is no mail server to send with; the message says how to name one."""


class Mail(SmtpHook):
    """The provider's connection (TLS, log in, OAuth and time limits as it reads them), for messages that are ready.

    Its own way of sending and its notifier make HTML-only mails, and try a send again when they cannot know whether the first
    one went through; here Airflow's retry of the task decides.
    """

    def deliver(self, message: EmailMessage) -> None:
        """Sends one message to whom its header To names. Raises what the server or the network says."""
        if not self.from_email:
            raise Unsendable(f"The connection {CONNECTION} names no sender. Give its extra a from_email.")
        del message["From"]
        message["From"] = self.from_email
        self._smtp_client.send_message(message, from_addr=self.from_email)


def deliver(message: EmailMessage) -> None:
    """Connects, sends one message, and disconnects. Only inside a task of Airflow."""
    with Mail(CONNECTION) as server:
        server.deliver(message)
