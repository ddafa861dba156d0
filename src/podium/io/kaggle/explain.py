"""What a failed call to Kaggle means: the likely causes in order, and the page to open."""

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
    """One line for what went wrong in ``call``."""
    kind = problem["kind"]
    if kind == "signed out":
        return _signed_out()
    if kind == "http" and problem["status"] == 401:
        return _unknown_user()
    if kind == "http":
        return _refused(call, problem, slug) + _said(problem)
    if kind == "network":
        return (
            f"no connection to Kaggle: {problem['reason']}; check the network, and https_proxy if "
            "there is a proxy, and try again"
        )
    if kind == "disk":
        where = f"{problem['file']}: " if problem["file"] else ""
        return f"{where}{problem['reason']}; make room or check permissions, and try again"
    if kind == "upload":
        return (
            "the upload of the file broke off, and nothing was submitted; try again, or upload it "
            f"at {page(slug)}/submit"
        )
    return f"the client failed: {problem['message']}"


def _signed_out() -> str:
    if tokens := credentials.tokens():
        return (
            f"Kaggle doesn't take the access token of {' or '.join(tokens)}: it is most likely "
            f"expired, revoked, or not the token alone: make another at {SETTINGS}, and put it "
            f"there; looked at are, in this order, {WAYS}"
        )
    places = credentials.found()
    if places:
        return (
            f"the client finds no credentials in {', '.join(places)}: a kaggle.json reads "
            '{"username": ..., "key": ...}, an access token is the token alone; make one at '
            f"{SETTINGS}"
        )
    return f"not signed in: make an API token at {SETTINGS} and give it by {WAYS}"


def _unknown_user() -> str:
    places = credentials.found() or ["this environment"]
    others = f" (then found: {', '.join(places[1:])})" if places[1:] else ""
    return (
        f"Kaggle doesn't take the credentials of {places[0]}{others} (401): the token is most "
        f"likely expired or revoked: make another at {SETTINGS}, and put it there; looked at are, "
        f"in this order, {WAYS}"
    )


def _refused(call: str, problem: dict[str, Any], slug: str) -> str:
    status, where = problem["status"], page(slug)
    if status == 404:
        return (
            f"404: no competition '{slug}': the slug is the last part of its page's address; set "
            f"source.slug in params.yaml, and see whether {where} opens"
        )
    if status == 403 or (status == 400 and call != "submit"):
        return (
            f"{status} for '{slug}': most likely its rules are not accepted: open {where}/rules "
            "signed in, and accept them; or the slug is misspelt; or the account's phone is not "
            "verified: https://www.kaggle.com/settings"
        )
    if status == 400:
        return (
            f"400: Kaggle refuses the submission to '{slug}': most likely the competition is not "
            f"joined: open {where}/rules and accept them; or today's submissions are used up: see "
            f"{where}/submissions; or it takes none any more"
        )
    if status == 429:
        wait = f"; it asks to wait {problem['retry_after']} s" if problem["retry_after"] else ""
        return f"429: too many requests{wait}; try again later"
    if status >= 500:
        return f"Kaggle has trouble of its own ({status}); try again later"
    return f"Kaggle answers {status}; see {where}"


def _said(problem: dict[str, Any]) -> str:
    message = problem["message"].rstrip(".")
    return f"; Kaggle says: {message}" if message else ""
