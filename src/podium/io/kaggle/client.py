"""Calls to Kaggle with time limits, retried if that is safe and may help."""

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

# Timeout for a server that sends nothing.
SILENCE_SECONDS = 60.0
# Timeout for a call. A download has none: it is limited only by the silence above.
CALL_SECONDS = 600.0
# Retries come after 1, 2 and 4 seconds, or as a 429 response asks, up to ``LONGEST_WAIT`` seconds.
ATTEMPTS = 4
LONGEST_WAIT = 120.0
# After this time the official client has retried by itself, so a call isn't retried again; a
# download is, because it resumes.
PATIENCE_SECONDS = 120.0
PROGRESS_SECONDS = 10.0
POLL_SECONDS = 0.02
# The official client writes in blocks of this size.
BLOCK = 1024 * 1024
# The step at which a call was when its process ended.
UNKNOWN = "unknown"
# If one of these is set, the official client prints requests including credentials.
_VERBOSE_VARIABLES = ("VERBOSE", "VERBOSE_OUTPUT")

pause = time.sleep
_warned: set[Path] = set()


@dataclass(frozen=True)
class Listed:
    """A submission as Kaggle lists it; a score that isn't available yet is empty."""

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
    """The number of submissions made today and in total, and left for today."""

    today: int
    total: int
    left: int


class NotSignedInError(PodiumError):
    """There are no credentials at all, so Kaggle was not asked."""


class UnclearError(PodiumError):
    """A submission whose answer was lost: Kaggle may or may not have it."""


def download(slug: str, folder: Path, progress: Callable[[int, int], None]) -> Path:
    """Download a competition's archive into ``folder``, resuming a partial download.

    Args:
        slug: the last part of the competition's address.
        folder: kept between tries.
        progress: called every few seconds with the bytes received and the total.

    Raises:
        PodiumError: the download failed; the partial file is kept for the next try.
    """
    folder.mkdir(parents=True, exist_ok=True)
    monitor = _DownloadMonitor(folder / f"{slug}.zip", progress)
    return Path(str(_call("download", slug, {"folder": str(folder)}, monitor.check)))


def listed(slug: str, after: int = 0) -> list[Listed]:
    """The user's submissions, newest first, at least down to the one ``after``.

    Raises:
        PodiumError: the call failed.
    """
    return [Listed(**entry) for entry in _call("submissions", slug, {"after": after})]


def limits(slug: str) -> Limits:
    """The user's daily quota.

    Raises:
        PodiumError: the call failed.
    """
    return Limits(**_call("limits", slug, {}))


def submit(slug: str, file: Path, message: str) -> int:
    """Upload and submit a file; returns Kaggle's number of the submission (0 if it returns none).

    Raises:
        UnclearError: the answer to the submission was lost; check the list of submissions.
        PodiumError: nothing was submitted.
    """
    done = _call("submit", slug, {"file": str(file), "message": message})
    return int(done["ref"])


def _call(
    call: str, slug: str, arguments: dict[str, Any], monitor: Callable[[], None] | None = None
) -> Any:
    """The result of a call, with retries if they may help and are safe."""
    _warn_of_readable_credentials()
    started = time.monotonic()
    for attempt in range(ATTEMPTS):
        answer = _run_worker(call, {"slug": slug, **arguments}, monitor)
        if call == "submit" and "result" in answer and not answer["result"]["uploaded"]:
            answer = {"kind": "upload"}
        if "result" in answer:
            return answer["result"]
        message = f"kaggle: {explain(call, answer, slug)}"
        if call == "submit" and _may_be_submitted(answer):
            raise UnclearError(message)
        if answer["kind"] == "signed out" and not credentials.found():
            raise NotSignedInError(message)
        wait = _wait_before_retry(answer, attempt)
        too_late = monitor is None and time.monotonic() - started > PATIENCE_SECONDS
        if wait is None or too_late or attempt == ATTEMPTS - 1:
            raise PodiumError(message)
        print(f"{message}; trying again in {wait:.0f} s", file=sys.stderr, flush=True)
        pause(wait)
    raise AssertionError("the last attempt returns or raises")


def _may_be_submitted(problem: dict[str, Any]) -> bool:
    """Whether the submitting request itself failed, so that Kaggle may have the submission."""
    if problem.get("rpc") == UNKNOWN:
        return True
    lost = problem["kind"] == "network" or problem.get("status", 0) >= 500
    return lost and problem.get("rpc") == "CreateSubmission"


def _wait_before_retry(problem: dict[str, Any], attempt: int) -> float | None:
    """Seconds until the next try, or None if another try can't help."""
    status = problem.get("status", 0)
    if status == 429:
        requested = _seconds(problem["retry_after"])
        wait = 2.0**attempt if requested is None else requested
        return wait if wait <= LONGEST_WAIT else None
    transient = problem["kind"] in ("network", "upload") or status >= 500
    return 2.0**attempt if transient else None


def _seconds(header: str | None) -> float | None:
    """The seconds of a Retry-After header, which has seconds or a date."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _run_worker(
    call: str, arguments: dict[str, Any], monitor: Callable[[], None] | None
) -> dict[str, Any]:
    """Run the worker once; returns its answer, or why there is none."""
    request = {"call": call, "silence": SILENCE_SECONDS, "arguments": arguments}
    environment = {
        name: value for name, value in os.environ.items() if name not in _VERBOSE_VARIABLES
    }
    with tempfile.TemporaryFile("w+", encoding="utf-8") as answer:
        process = subprocess.Popen(
            # -P: what lies in the project's folder, a kaggle.py, is not imported.
            [sys.executable, "-P", "-m", "podium.io.kaggle.worker"],
            stdin=subprocess.PIPE,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )
        try:
            in_time = _poll(process, json.dumps(request), monitor)
        finally:
            process.kill()
            process.communicate()
        if not in_time:
            return {"kind": "network", "reason": "no answer in time", "rpc": UNKNOWN}
        answer.seek(0)
        return _answer_in(answer.read(), process.returncode)


def _poll(
    process: "subprocess.Popen[str]", request: str, monitor: Callable[[], None] | None
) -> bool:
    """Wait for the worker and call ``monitor`` meanwhile; returns whether it ended in time."""
    assert process.stdin is not None
    # The pipe stays open: the worker ends when it is closed.
    process.stdin.write(request + "\n")
    process.stdin.flush()
    started = time.monotonic()
    while process.poll() is None:
        if monitor is None and time.monotonic() - started > CALL_SECONDS:
            return False
        if monitor is not None:
            monitor()
        time.sleep(POLL_SECONDS)
    return True


def _answer_in(text: str, code: int) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except ValueError:
        message = f"its process ended with exit code {code} and no answer"
        return {"kind": "client", "message": message, "rpc": UNKNOWN}


def _warn_of_readable_credentials() -> None:
    for path in credentials.readable_by_others():
        if path in _warned:
            continue
        _warned.add(path)
        warn(
            f"{path} has your Kaggle credentials and other users can read it; run: chmod 600 {path}"
        )


class _DownloadMonitor:
    """Watches a download's file: reports progress, and stops it if the disk is too small."""

    def __init__(self, file: Path, report: Callable[[int, int], None]) -> None:
        self.file, self.report, self.checked, self.reported = file, report, 0.0, time.monotonic()
        self.marker = file.with_name(f"{file.name}.kaggle-partial")

    def check(self) -> None:
        now = time.monotonic()
        if now - self.checked < 1:
            return
        self.checked = now
        try:
            done = self.file.stat().st_size
            total = int(json.loads(self.marker.read_text(encoding="utf-8"))["size"])
        except (OSError, ValueError, KeyError, TypeError):
            return  # Nothing has arrived yet, or the server didn't send the size.
        self._check_space(total - done)
        if now - self.reported > PROGRESS_SECONDS:
            self.reported = now
            self.report(done, total)

    def _check_space(self, remaining: int) -> None:
        """Stop early: the client takes a full disk for a bad connection and keeps retrying."""
        free = shutil.disk_usage(self.file.parent).free
        # A block may have been written between the two measurements.
        if free + BLOCK < remaining:
            raise PodiumError(
                f"{self.file}: no space left: {remaining / 1e6:,.0f} MB remaining, "
                f"{free / 1e6:,.0f} MB free; free some space and try again"
            )
