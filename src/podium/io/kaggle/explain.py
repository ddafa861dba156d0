"""Explains a failed call to Kaggle: the likely causes in order, and the page to open."""

from typing import Any

from podium.io.kaggle import credentials

SETTINGS = "https://www.kaggle.com/settings/api"
WAYS = (
    "KAGGLE_API_TOKEN, ~/.kaggle/access_token, KAGGLE_USERNAME with KAGGLE_KEY, "
    "~/.kaggle/kaggle.json, or 'kaggle auth login'"
)


def page(slug: str) -> str:
    """The competition's page."""
    return f"https://www.kaggle.com/competitions/{slug}"


def explain(call: str, problem: dict[str, Any], slug: str) -> str:
    """One line about what went wrong in ``call``, and what to do."""
    kind = problem["kind"]
    if kind == "signed out":
        return _signed_out()
    if kind == "http" and problem["status"] == 401:
        return _unknown_user()
    if kind == "http":
        return _refused(call, problem, slug) + _server_message(problem)
    if kind == "network":
        return (
            f"no connection to Kaggle: {problem['reason']}; check the network, and https_proxy if "
            "there is a proxy, and try again"
        )
    if kind == "disk":
        where = f"{problem['file']}: " if problem["file"] else ""
        return f"{where}{problem['reason']}; free space or check permissions, and try again"
    if kind == "upload":
        return (
            "the upload was interrupted, and nothing was submitted; try again, or upload the file "
            f"at {page(slug)}/submit"
        )
    return f"the client failed: {problem['message']}"


def _signed_out() -> str:
    if tokens := credentials.tokens():
        return (
            f"Kaggle rejects the access token of {' or '.join(tokens)}: most likely it is expired "
            f"or revoked, or has other text around it: make a new one at {SETTINGS}, and put it "
            f"there; checked in this order: {WAYS}"
        )
    places = credentials.found()
    if places:
        return (
            f"no valid credentials in {', '.join(places)}: a kaggle.json has the form "
            '{"username": ..., "key": ...}, an access_token file only the token; make one at '
            f"{SETTINGS}"
        )
    return f"not signed in: make an API token at {SETTINGS} and provide it by {WAYS}"


def _unknown_user() -> str:
    places = credentials.found() or ["this environment"]
    others = f" (also found: {', '.join(places[1:])})" if places[1:] else ""
    return (
        f"Kaggle rejects the credentials of {places[0]}{others} (401): most likely the token is "
        f"expired or revoked: make a new one at {SETTINGS}, and put it there; checked in this "
        f"order: {WAYS}"
    )


def _refused(call: str, problem: dict[str, Any], slug: str) -> str:
    status, where = problem["status"], page(slug)
    if status == 404:
        return (
            f"404: no competition '{slug}': the slug is the last part of its page's address; set "
            f"source.slug in params.yaml, and check that {where} opens"
        )
    if status == 403 or (status == 400 and call != "submit"):
        return (
            f"{status} for '{slug}': most likely its rules are not accepted: sign in, open "
            f"{where}/rules and accept them; or the slug is misspelt; or the account's phone is "
            "not verified: https://www.kaggle.com/settings"
        )
    if status == 400:
        return (
            f"400: Kaggle rejects the submission to '{slug}': most likely you haven't joined the "
            f"competition: open {where}/rules and accept them; or today's submissions are used up: "
            f"see {where}/submissions; or the competition is closed"
        )
    if status == 429:
        wait = f"; Kaggle asks to wait {problem['retry_after']} s" if problem["retry_after"] else ""
        return f"429: too many requests{wait}; try again later"
    if status >= 500:
        return f"Kaggle has a server error ({status}); try again later"
    return f"Kaggle answers {status}; see {where}"


def _server_message(problem: dict[str, Any]) -> str:
    message = problem["message"].rstrip(".")
    return f"; Kaggle says: {message}" if message else ""
