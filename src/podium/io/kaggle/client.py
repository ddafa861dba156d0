"""Calls to Kaggle, bounded in time: what may be repeated is, as long as there is hope."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from podium.io.errors import PodiumError, warn
from podium.io.kaggle import credentials
from podium.io.kaggle.explain import explain

# A server that says nothing for so long is given up.
SILENCE_SECONDS = 60.0
# A call that moves no data; a download takes what it takes, and is bounded by its silences.
CALL_SECONDS = 600.0
# Retries after 1, 2 and 4 seconds, or as a 429 tells, up to so many seconds.
ATTEMPTS = 4
LONGEST_WAIT = 120.0
# A call that took so long has tried again by itself; a download goes on where it was, and may.
PATIENCE_SECONDS = 120.0
PROGRESS_SECONDS = 10.0
LOOK_SECONDS = 0.02
# The client writes in blocks of this size.
BLOCK = 1024 * 1024
# Where a call was when it was ended from here.
UNKNOWN = "unknown"
# The client shows requests with their credentials when one of these is set.
_TALKATIVE = ("VERBOSE", "VERBOSE_OUTPUT")

pause = time.sleep
_warned: set[Path] = set()


@dataclass(frozen=True)
class Listed:
    """A submission as Kaggle lists it; a score that isn't there yet is empty."""

    ref: int
    submitted: str
    file: str
    bytes: int
    message: str
    status: str
    public_score: str
    private_score: str
    error: str


@dataclass(frozen=True)
class Limits:
    """How many submissions were made today and in all, and how many are left today."""

    today: int
    total: int
    left: int


class UnclearError(PodiumError):
    """A submission whose answer was lost: Kaggle may have it or not."""


def download(slug: str, folder: Path, progress: Callable[[int, int], None]) -> Path:
    """Download a competition's archive into ``folder``, going on from a partial one there.

    Args:
        slug: the last part of the competition's address.
        folder: kept between tries.
        progress: called now and then with the bytes that are there, and all.

    Raises:
        PodiumError: it can't be had; what arrived stays for the next try.
    """
    folder.mkdir(parents=True, exist_ok=True)
    watch = _Growth(folder / f"{slug}.zip", progress)
    return Path(str(_call("download", slug, {"folder": str(folder)}, watch.look)))


def listed(slug: str, after: int = 0) -> list[Listed]:
    """The user's submissions, newest first, at least down to the one ``after``.

    Raises:
        PodiumError: the list can't be had.
    """
    return [Listed(**entry) for entry in _call("submissions", slug, {"after": after})]


def limits(slug: str) -> Limits:
    """The user's daily allowance.

    Raises:
        PodiumError: it can't be had.
    """
    return Limits(**_call("limits", slug, {}))


def submit(slug: str, file: Path, message: str) -> int:
    """Upload and submit a file; returns Kaggle's number of the submission (0 where it gives none).

    Raises:
        UnclearError: Kaggle was asked to take the file and its answer is lost; ask for the list.
        PodiumError: nothing was submitted.
    """
    done = _call("submit", slug, {"file": str(file), "message": message})
    return int(done["ref"])


def _call(
    call: str, slug: str, arguments: dict[str, Any], look: Callable[[], None] | None = None
) -> Any:
    """The result of a call, asked for again where that may help and can do no harm."""
    _warn_of_readers()
    started = time.monotonic()
    for attempt in range(ATTEMPTS):
        answer = _ask(call, {"slug": slug, **arguments}, look)
        if call == "submit" and "result" in answer and not answer["result"]["uploaded"]:
            answer = {"kind": "upload"}
        if "result" in answer:
            return answer["result"]
        said = f"kaggle: {explain(call, answer, slug)}"
        if call == "submit" and _may_be_done(answer):
            raise UnclearError(said)
        wait = _wait_before_retry(answer, attempt)
        tired = look is None and time.monotonic() - started > PATIENCE_SECONDS
        if wait is None or tired or attempt == ATTEMPTS - 1:
            raise PodiumError(said)
        print(f"{said}; trying again in {wait:.0f} s", file=sys.stderr, flush=True)
        pause(wait)
    raise AssertionError("the last attempt returns or raises")


def _may_be_done(problem: dict[str, Any]) -> bool:
    """Whether the very step that submits failed in a way that leaves open if it was done."""
    if problem.get("rpc") == UNKNOWN:
        return True
    lost = problem["kind"] == "network" or problem.get("status", 0) >= 500
    return lost and problem.get("rpc") == "CreateSubmission"


def _wait_before_retry(problem: dict[str, Any], attempt: int) -> float | None:
    """Seconds until the next try, or None where another try can't help."""
    status = problem.get("status", 0)
    if status == 429:
        told = _seconds(problem["retry_after"])
        wait = 2.0**attempt if told is None else told
        return wait if wait <= LONGEST_WAIT else None
    passing = problem["kind"] in ("network", "upload") or status >= 500
    return 2.0**attempt if passing else None


def _seconds(told: str | None) -> float | None:
    """What a Retry-After header says: seconds, or a date."""
    if told is None:
        return None
    try:
        return max(0.0, float(told))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _ask(call: str, arguments: dict[str, Any], look: Callable[[], None] | None) -> dict[str, Any]:
    """Run the worker once; its answer, or what became of it instead."""
    request = {"call": call, "silence": SILENCE_SECONDS, "arguments": arguments}
    environment = {name: value for name, value in os.environ.items() if name not in _TALKATIVE}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as answer:
        process = subprocess.Popen(
            [sys.executable, "-m", "podium.io.kaggle.worker"],
            stdin=subprocess.PIPE,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )
        try:
            in_time = _tend(process, json.dumps(request), look)
        finally:
            process.kill()
            process.communicate()
        if not in_time:
            return {"kind": "network", "reason": "no answer in time", "rpc": UNKNOWN}
        answer.seek(0)
        return _answer_in(answer.read(), process.returncode)


def _tend(process: "subprocess.Popen[str]", request: str, look: Callable[[], None] | None) -> bool:
    """Wait for the worker, looking in on a download; whether it ended in time."""
    assert process.stdin is not None
    # Left open: the worker ends when this pipe does.
    process.stdin.write(request + "\n")
    process.stdin.flush()
    started = time.monotonic()
    while process.poll() is None:
        if look is None and time.monotonic() - started > CALL_SECONDS:
            return False
        if look is not None:
            look()
        time.sleep(LOOK_SECONDS)
    return True


def _answer_in(text: str, code: int) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except ValueError:
        message = f"its process ended with {code} and no answer"
        return {"kind": "client", "message": message, "rpc": UNKNOWN}


def _warn_of_readers() -> None:
    for path in credentials.readable_by_others():
        if path in _warned:
            continue
        _warned.add(path)
        warn(
            f"{path} holds your Kaggle credentials and other users can read it; run: chmod 600 "
            f"{path}"
        )


class _Growth:
    """Looks at a download's file: tells now and then how far it is, and stops where room ends."""

    def __init__(self, file: Path, tell: Callable[[int, int], None]) -> None:
        self.file, self.tell, self.looked, self.told = file, tell, 0.0, time.monotonic()
        self.marker = file.with_name(f"{file.name}.kaggle-partial")

    def look(self) -> None:
        now = time.monotonic()
        if now - self.looked < 1:
            return
        self.looked = now
        try:
            there = self.file.stat().st_size
            whole = int(json.loads(self.marker.read_text(encoding="utf-8"))["size"])
        except (OSError, ValueError, KeyError, TypeError):
            return  # Nothing has arrived, or the server didn't say how much there is.
        self._check_room(whole - there)
        if now - self.told > PROGRESS_SECONDS:
            self.told = now
            self.tell(there, whole)

    def _check_room(self, lacking: int) -> None:
        """The client takes a full disk for a bad connection, and tries for a minute."""
        free = shutil.disk_usage(self.file.parent).free
        # Between the two looks a block may have been written.
        if free + BLOCK < lacking:
            raise PodiumError(
                f"{self.file}: no space left: {lacking / 1e6:,.0f} MB are still to come and "
                f"{free / 1e6:,.0f} MB are free; make room and try again"
            )
