"""Messages to people of trusts: written into an outbox in the transaction of what they are about, and sent from there."""

from .outbox import queue as queue
from .outbox import send as send
