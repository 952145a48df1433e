"""Publishers that tests play, and a pipeline that asks them."""

import publisher
import pytest
from trust_benchmarks.sources import web

HOSTS = ("opendata.nhsbsa.net", "www.nhsbsa.nhs.uk", "digital.nhs.uk", "files.digital.nhs.uk")


@pytest.fixture
def playing(monkeypatch):
    """The hosts of the declared sources, played on this machine, and quick retries."""
    with publisher.hosts(*HOSTS) as (found, setting):
        monkeypatch.setenv("TB_FETCH_CONTACT", "data@example.org")
        monkeypatch.setenv("TB_FETCH_PLAYED", setting)
        monkeypatch.setenv("TB_FETCH_PAUSE", "0.0001")
        monkeypatch.setattr(web.Web.__init__, "__defaults__", (None, 5.0, 0.01))
        yield found


@pytest.fixture
def portal(playing):
    """The open data portal."""
    return publisher.Portal(playing["opendata.nhsbsa.net"])
