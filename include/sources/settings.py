"""Whether anything is fetched, and how the pipeline introduces itself: environment variables."""

import os
from dataclasses import dataclass, field
from importlib.metadata import version
from urllib.parse import urlsplit

PRODUCT = "trust-benchmarks"  # what the pipeline calls itself unless it is told another name
PAUSE = 1.0  # seconds before each request


class NotConfigured(RuntimeError):
    """Nothing may be fetched yet; the message says what to set."""


@dataclass(frozen=True)
class Manners:
    """How publishers are asked.

    Attributes:
        agent: the whole user agent, with a contact.
        pause: seconds before each request to a host.
        played: host of a declared address -> base address of a server on this machine that plays it. Only tests set it
            (TB_FETCH_PLAYED); where it is empty, this machine and private networks are never asked.
    """

    agent: str
    pause: float = PAUSE
    played: dict[str, str] = field(default_factory=dict)

    @property
    def product(self) -> str:
        """The name in the user agent that robots.txt of a publisher may speak of: its first word, without a version."""
        return self.agent.split()[0].partition("/")[0]

    def address(self, declared: str) -> str:
        """Where an address is asked: itself, or the server that plays its host."""
        parts = urlsplit(declared)
        base = self.played.get(parts.netloc)
        return base + declared.split(parts.netloc, 1)[1] if base else declared


def is_on() -> bool:
    """Whether scheduled looks are made: where a contact is set."""
    return bool(os.environ.get("TB_FETCH_CONTACT"))


def load() -> Manners:
    """The settings of this process.

    Raises:
        NotConfigured: no contact is set.
    """
    contact = os.environ.get("TB_FETCH_CONTACT")
    if not contact:
        raise NotConfigured(
            "TB_FETCH_CONTACT is not set, so nothing is fetched from publishers. Set it to a mail address or page at which a "
            "publisher can reach you; it is sent with every request."
        )
    agent = os.environ.get("TB_FETCH_AGENT") or f"{PRODUCT}/{version(PRODUCT)}"
    played = dict(pair.split("=", 1) for pair in os.environ.get("TB_FETCH_PLAYED", "").split())
    return Manners(f"{agent} (+{contact})", float(os.environ.get("TB_FETCH_PAUSE") or PAUSE), played)
