"""When a cron expression comes true, in UTC: no hour is skipped in spring or comes twice in autumn.

Five fields as in crontab(5): minute, hour, day of the month, month, day of the week. Huey, which
MLflow brings along, reads each field and says whether a minute matches; it wants a day to match
both day fields, and cron either of the two where neither begins
with `*`, so the days are asked for apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from huey import crontab

from lifecycle.errors import UsageError

FIELDS = ("minute", "hour", "day", "month", "day_of_week")
SHORT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}
FARTHEST_DAYS = 366 * 8 + 1  # from one 29 February to the next over a year such as 2100
DAY, ANY_DAY = timedelta(days=1), datetime(2000, 1, 1, tzinfo=UTC)
WRITE_IT = "Write it as in a crontab, such as `15 2 * * *` or `0 4 * * 1`; times are UTC."


@dataclass(frozen=True)
class Cron:
    """A cron expression that was read and comes true some day."""

    text: str

    def __post_init__(self) -> None:
        words = self.words
        if len(words) != len(FIELDS):
            raise UsageError(
                f"{self.text!r} is no cron expression.", found=f"It has {len(words)} fields.",
                do=WRITE_IT,
            )  # fmt: skip
        try:
            days, _ = self.days, self.minutes
        except ValueError as error:
            raise UsageError(
                f"{self.text!r} is no cron expression.", found=f"{error}.", do=WRITE_IT
            ) from error
        if not any(days(ANY_DAY + n * DAY) for n in range(FARTHEST_DAYS)):
            raise UsageError(f"{self.text!r} never comes true.", do=WRITE_IT)

    @property
    def words(self) -> list[str]:
        return SHORT.get(self.text.strip(), self.text).split()

    @cached_property
    def days(self) -> Callable[[datetime], bool]:
        """Whether anything is due on a day."""
        _, _, day, month, weekday = self.words
        by_date = crontab(day=day, month=month, strict=True)
        by_weekday = crontab(month=month, day_of_week=weekday, strict=True)
        if day.startswith("*") or weekday.startswith("*"):  # as Vixie's cron has it, also for */2
            return lambda when: by_date(when) and by_weekday(when)
        return lambda when: by_date(when) or by_weekday(when)

    @cached_property
    def minutes(self) -> tuple[timedelta, ...]:
        """When in a day something is due, from its beginning; never empty."""
        minute, hour, *_ = self.words
        matches = crontab(minute=minute, hour=hour, strict=True)
        every = (timedelta(minutes=n) for n in range(24 * 60))
        return tuple(since for since in every if matches(ANY_DAY + since))

    def after(self, moment: datetime) -> datetime:
        """The first time it comes true after this moment."""
        midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        for day in (midnight + n * DAY for n in range(FARTHEST_DAYS + 1)):
            if self.days(day) and day + self.minutes[-1] > moment:
                return day + next(since for since in self.minutes if day + since > moment)
        message = f"{self.text!r} comes true on no day after {moment}"
        raise AssertionError(message)
