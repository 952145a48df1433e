"""A mail server on a free port of 127.0.0.1, for tests."""

import smtplib
import socket
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller


class Post:
    """What the mail server took in. `answers` has what it says about an address in place of taking it; '' breaks the connection off."""

    def __init__(self):
        self.envelopes, self.answers, self.breaks_off_after = [], {}, 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.envelopes.append(envelope)
        if self.breaks_off_after:  # taken, and gone before it could say so
            self.breaks_off_after -= 1
            server.transport.abort()
        return "250 taken"

    def mails(self, address=None):
        """The mails to an address, or all, in the order in which they came."""
        return [
            message_from_bytes(one.content, policy=policy.default)
            for one in self.envelopes
            if address in (None, *one.rcpt_tos)
        ]

    def deliver(self, message):
        """Hands a message to this server, as `mail.deliver` does to the one that is configured."""
        message["From"] = "desk@example.org"
        with smtplib.SMTP("127.0.0.1", self.port, timeout=10) as server:
            server.send_message(message)


@pytest.fixture
def post():
    """A mail server."""
    handler = Post()
    listening = socket.create_server(("127.0.0.1", 0))
    handler.port = listening.getsockname()[1]

    class Server(Controller):
        def _create_server(self):
            return self.loop.create_server(self._factory_invoker, sock=listening)

    controller = Server(handler, hostname="127.0.0.1", port=handler.port)
    controller.start()
    yield handler
    controller.stop()


def text(message) -> str:
    """The plain text of a mail."""
    return message.get_body(("plain",)).get_content().replace("\r\n", "\n")
