"""How long a search may take: minutes, trials, or both; and how many trials come next."""

import time
from dataclasses import dataclass, field

from podium.models.trials import TrialFit

# Where nothing is said.
MINUTES = 10.0
# The last part of the time, for the confirmation and the plots, until it is known how long they
# take; and at most.
FIRST_SHARE, MOST_SHARE = 0.3, 0.5
# All seeds are fitted there if that takes no more than this share; else one, as in the trials.
WHOLE_SHARE = 0.25
PLOTS = 10.0
# A batch is planned for this share of the time that is left.
BATCH_SHARE = 0.2
FIRST_BATCH, NEXT_BATCH, MOST_BATCH, PLAIN_BATCH = 8, 12, 32, 16
# Less time than this begins with a smaller batch.
SHORT, SHORT_BATCH = 240.0, 2
# How far a measured time may be off.
MARGIN = 1.25
# The confirmation may go on for so much longer than the minutes that were asked for.
OVERTIME = 1.03


@dataclass
class Budget:
    """The time since ``started`` (``time.monotonic``), and what trials have cost so far.

    ``each``: seconds of a whole trial, of which pruned ones had on average a part, so that
    ``share`` is what one takes; the model as it is costs ``dearer`` times as much. Trials that are
    fitted one by one are asked for ``side_by_side`` at a time.
    """

    minutes: float | None
    trials: int | None
    in_batches: bool
    size: int | None = None
    started: float = field(default_factory=time.monotonic)
    done: int = 0
    each: float = 0.0
    share: float = 1.0
    dearer: float = 1.0
    side_by_side: int = 1

    @property
    def seconds(self) -> float | None:
        """All of it; None without a limit."""
        return None if self.minutes is None else 60 * self.minutes

    @property
    def deadline(self) -> float | None:
        """When the search ends, so that the rest fits in; None: by the number of trials alone."""
        if self.seconds is None:
            return None
        reserved = FIRST_SHARE * self.seconds
        if self.each:
            times = self.dearer if self.confirms_whole else 1.0
            reserved = min(self._confirmation(times) + PLOTS, MOST_SHARE * self.seconds)
        return self.started + self.seconds - reserved

    def _confirmation(self, times: float) -> float:
        """How long it takes to fit two configurations that cost ``times`` a trial."""
        return 2 * MARGIN * times * self.each + PLOTS

    @property
    def confirms_whole(self) -> bool:
        """Whether there is time to fit all seeds on other folds."""
        known = self.seconds is not None and self.each > 0
        return not known or self._confirmation(self.dearer) <= WHOLE_SHARE * (self.seconds or 0)

    @property
    def last_moment(self) -> float | None:
        """When the confirmation ends at the latest."""
        return None if self.seconds is None else self.started + OVERTIME * self.seconds

    @property
    def wall(self) -> float:
        """When this process will have ended, in seconds since 1970, for others to know."""
        seconds = 24 * 3600.0 if self.seconds is None else 1.1 * self.seconds
        return time.time() + seconds

    def next_batch(self) -> int:
        """How many trials to ask for; 0: the search is over."""
        left = None if self.trials is None else self.trials - self.done
        if left is not None and left <= 0:
            return 0
        size = self._size()
        return size if left is None else min(size, left)

    def _size(self) -> int:
        remaining = None if self.deadline is None else self.deadline - time.monotonic()
        if remaining is not None and (remaining <= 0 or remaining < self.each):
            return 0
        if not self.in_batches:
            return self.side_by_side
        if self.size is not None:
            return self.size
        if remaining is None:
            return PLAIN_BATCH
        if not self.each:
            return FIRST_BATCH if (self.seconds or 0.0) > SHORT else SHORT_BATCH
        # Few only where there is no time for more: in a race most of them leave soon.
        expected = self.share * self.each
        planned = max(round(BATCH_SHARE * remaining / expected), NEXT_BATCH)
        return max(1, min(MOST_BATCH, planned, int(remaining / (MARGIN * expected))))

    def measured(self, fits: list[TrialFit], seconds: float) -> None:
        """A batch took so many seconds."""
        self.done += sum(fit.state != "out_of_time" for fit in fits)
        if any(fit.state == "out_of_time" for fit in fits):
            # Cut off: it says nothing about a whole one.
            return
        # Trials that left early cost a part of a whole one.
        whole = sum(fit.share for fit in fits)
        if whole:
            # A neighbour on the machine comes as fast as it goes.
            new = seconds / whole
            self.each = max(new, (new + self.each) / 2)
            self.share = whole / len(fits)
