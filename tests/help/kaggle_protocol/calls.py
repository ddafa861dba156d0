"""Which request gets which answer, and which is refused."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from kaggle_protocol.competition import DENIED, Competition
from kaggle_protocol.downloads import (
    download_data_file,
    download_data_files,
    give_out,
    list_data_files,
)
from kaggle_protocol.messages import Answer, Request, json_answer, without_defaults
from kaggle_protocol.submissions import (
    create_submission,
    get_leaderboard,
    get_submission,
    get_submission_limits,
    list_submissions,
    start_submission_upload,
    take_in,
)


def respond(competition: Competition, request: Request) -> Answer:
    """What Kaggle says."""
    if request.path == "blob":
        return give_out(competition, request)
    if request.path == "CONNECT":
        return Answer(HTTPStatus.FORBIDDEN, {}, b"loopback only")
    with competition.lock:
        if request.path == "upload":
            return take_in(competition, request)
        refusal = refuse(competition, request)
        if refusal:
            return refusal
        call = RPCS.get(request.path)
        answer = call(competition, request.json) if call else competition.error(404, "Not found")
    if competition.api_version:
        answer.headers["X-Kaggle-APIVersion"] = competition.api_version
    return answer


def refuse(competition: Competition, request: Request) -> Answer | None:
    """Wrong credentials, or another competition."""
    if competition.check_credentials and not accepted(competition, request):
        return competition.error(401, "Unauthenticated")
    named = request.json.get("competitionName")
    if named is None or named == competition.slug:
        return None
    if competition.unknown_slug == 404:
        return competition.error(404, "Competition not found")
    reading = request.path in ("ListDataFiles", "GetLeaderboard")
    permission = DENIED.format("get" if reading else "participate")
    return competition.error(competition.unknown_slug, permission)


def accepted(competition: Competition, request: Request) -> bool:
    """Whether it carries good credentials, or is to look one up."""
    if request.path == "IntrospectToken":
        return True
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind == "Bearer":
        return value == competition.token
    return kind == "Basic" and value == competition.basic


def introspect_token(competition: Competition, asked: dict[str, Any]) -> Answer:
    """Whose token it is."""
    known = asked.get("token") == competition.token
    fields = {"active": known, "username": competition.user if known else "", "scope": "all"}
    return json_answer(without_defaults(fields))


RPCS: dict[str, Callable[[Competition, dict[str, Any]], Answer]] = {
    "IntrospectToken": introspect_token,
    "ListDataFiles": list_data_files,
    "DownloadDataFiles": download_data_files,
    "DownloadDataFile": download_data_file,
    "StartSubmissionUpload": start_submission_upload,
    "CreateSubmission": create_submission,
    "GetSubmissionLimits": get_submission_limits,
    "ListSubmissions": list_submissions,
    "GetSubmission": get_submission,
    "GetLeaderboard": get_leaderboard,
}
