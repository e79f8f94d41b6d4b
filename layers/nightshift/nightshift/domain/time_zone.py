"""Time zones by their names, as agents have them."""

from datetime import UTC, tzinfo


def zone_of(name: str) -> tzinfo:
    """Return the time zone of this name, UTC where the machine does not know it."""
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 -- most agents live in UTC

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
