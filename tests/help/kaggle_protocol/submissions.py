"""Submissions: files that come in, and what is said about them later."""

import re
from datetime import UTC, datetime
from typing import Any

from kaggle_protocol.competition import DENIED, Competition, Submission
from kaggle_protocol.messages import (
    STORAGE,
    UPLOADS,
    Answer,
    Request,
    json_answer,
    json_date,
    without_defaults,
)

FIRST_REF = 50_000_001
NOT_JOINED = "You cannot submit until you accept the competition rules"
ALLOWANCE = (
    "Submission not allowed: Your team has used its daily Submission allowance ({}) today, "
    "please try again tomorrow UTC ({:.1f} hours from now)."
)


def start_submission_upload(competition: Competition, asked: dict[str, Any]) -> Answer:
    """A signed address to send the file to, and the token that stands for it."""
    token = f"upload-token-{len(competition.uploads) + 1}"
    competition.uploads[token] = (str(asked.get("fileName", "")), None)
    query = f"uploadType=resumable&upload_id={token}&Signature={competition.signature}"
    return json_answer({"token": token, "createUrl": f"{STORAGE}{UPLOADS}?{query}"})


def take_in(competition: Competition, request: Request) -> Answer:
    """Keeps a file that was sent to its signed address."""
    found = re.search(r"upload_id=([^&]+)", request.target)
    if request.method != "PUT" or not found or found[1] not in competition.uploads:
        return competition.error(404, "No such upload", storage=True)
    name, _ = competition.uploads[found[1]]
    competition.uploads[found[1]] = (name, request.body)
    return json_answer({"name": name, "size": str(len(request.body))})


def create_submission(competition: Competition, asked: dict[str, Any]) -> Answer:
    """Submits a file that was sent before."""
    if not competition.joined:
        return competition.error(403, NOT_JOINED)
    now = datetime.now(UTC)
    if used_today(competition, now) >= competition.daily_limit:
        hours = 24 - now.hour - now.minute / 60
        return competition.error(400, ALLOWANCE.format(competition.daily_limit, hours))
    name, content = competition.uploads.pop(str(asked.get("blobFileTokens")), ("", None))
    if content is None:
        return competition.error(400, "Submission file was not uploaded")
    ref = max([FIRST_REF - 1, *(known.ref for known in competition.submissions)]) + 1
    description = asked.get("submissionDescription") or ""
    competition.submissions.append(Submission(ref, description, name, content, now))
    title = competition.slug.replace("-", " ").title()
    return json_answer({"message": f"Successfully submitted to {title}", "ref": ref})


def used_today(competition: Competition, now: datetime) -> int:
    """Submissions that failed don't count."""
    today = now.date()
    return sum(
        known.status != "error" and known.date.astimezone(UTC).date() == today
        for known in competition.submissions
    )


def get_submission_limits(competition: Competition, asked: dict[str, Any]) -> Answer:
    """How many more may be sent today."""
    if not competition.joined:
        return json_answer({})
    used = used_today(competition, datetime.now(UTC))
    fields = {
        "numToday": used,
        "numTotal": len(competition.submissions),
        "numAllowedNow": max(competition.daily_limit - used, 0),
    }
    return json_answer(without_defaults(fields))


def list_submissions(competition: Competition, asked: dict[str, Any]) -> Answer:
    """A page of the submissions, newest first."""
    if not competition.joined:
        return competition.error(403, DENIED.format("participate"))
    size = int(asked.get("pageSize") or 20)
    start = (int(asked.get("page") or 1) - 1) * size
    start = int(asked.get("pageToken") or start)
    known = sorted(competition.submissions, key=lambda one: (one.date, one.ref), reverse=True)
    if asked.get("group") == "SUBMISSION_GROUP_SUCCESSFUL":
        known = [one for one in known if one.status == "complete"]
    for one in known:
        look_at(competition, one)
    page = [without_defaults(one.as_json(competition.user)) for one in known[start : start + size]]
    more = str(start + size) if start + size < len(known) else None
    return json_answer(without_defaults({"submissions": page, "nextPageToken": more}))


def get_submission(competition: Competition, asked: dict[str, Any]) -> Answer:
    """One submission."""
    for one in competition.submissions:
        if one.ref == asked.get("ref"):
            look_at(competition, one)
            return json_answer(without_defaults(one.as_json(competition.user)))
    return competition.error(404, "Submission not found")


def look_at(competition: Competition, one: Submission) -> None:
    """A pending submission is scored once it was looked at often enough."""
    if one.status != "pending":
        return
    one.looks += 1
    if one.looks <= competition.score_after:
        return
    try:
        one.public_score, one.private_score = competition.score(one.content)
        one.status = "complete"
    except Exception as error:
        one.status, one.error = "error", str(error)


def get_leaderboard(competition: Competition, asked: dict[str, Any]) -> Answer:
    """The user's latest score: nobody else takes part."""
    scored = [one for one in competition.submissions if one.status == "complete"]
    rows = [
        {
            "teamId": 1,
            "teamName": competition.user,
            "submissionDate": json_date(scored[-1].date),
            "score": scored[-1].public_score,
        }
    ]
    return json_answer({"submissions": rows} if scored else {})
