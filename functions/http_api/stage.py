"""What the operations work with, built at first use and kept for all invocations."""

from functools import cache

from nightshift.clock import Clock, SystemClock
from nightshift.settings import IntakeSettings
from nightshift.storage import clients
from nightshift.storage.database import Database
from nightshift.storage.doorbells import Doorbell


@cache
def _settings() -> IntakeSettings:
    return IntakeSettings.from_environment()


@cache
def database() -> Database:
    """Return the tables."""
    return Database.connect(_settings().tables)


@cache
def doorbell() -> Doorbell:
    """Return RunQueue."""
    return Doorbell(clients.sqs(), _settings().run_queue_url)


@cache
def clock() -> Clock:
    """Return the clock."""
    return SystemClock()


def forget() -> None:
    """Build everything anew at the next use; for tests that change the environment."""
    for cached in (_settings, database, doorbell, clock):
        cached.cache_clear()
