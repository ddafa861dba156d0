"""The official client in a process of its own: one call, its answer as JSON on standard output.

Imported, the client prints help, makes a folder in the home, reads credentials, may use the network
and may end the program; it waits for a silent server for ever and shows secrets when ``VERBOSE`` is
set. In a process of its own that harms nobody: ``podium.io.kaggle.client`` starts this module,
reads one line of JSON and can end it at any time. This process ends when its parent does.
"""

import json
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from podium.io.errors import without_password

PAGE_SIZE = 100
MOST_PAGES = 100
MESSAGE_LENGTH = 200


def main() -> None:
    """Read one call from standard input, make it, and write its answer."""
    answer = _own_stdout()
    request = json.loads(_line())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    json.dump(_answer(request["call"], request["silence"], request["arguments"]), answer)
    answer.flush()


def _own_stdout() -> IO[str]:
    """Standard output for the answer alone: what the client prints goes to standard error."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answer


def _line() -> bytes:
    """The first line of standard input, without ``sys.stdin``, whose lock a thread would hold."""
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(0, 65536) or b"\n"
    return line


def _end_with_parent() -> None:
    # The parent holds the other end of this pipe for as long as it lives.
    while os.read(0, 65536):
        pass
    os._exit(1)


def _answer(call: str, silence: float, arguments: dict[str, Any]) -> dict[str, Any]:
    """``{"result": ...}``, or what went wrong: its kind, and what is known of it."""
    from requests.exceptions import HTTPError, RequestException

    _bound_silence(silence)
    try:
        return {"result": CALLS[call](_signed_in(), **arguments)}
    except SystemExit:
        return {"kind": "signed out"}
    except HTTPError as error:
        return _refusal(error)
    except RequestException as error:
        return {"kind": "network", "reason": _reason(error), "rpc": _rpc(error.request)}
    except OSError as error:
        return {"kind": "disk", "reason": error.strerror or str(error), "file": error.filename}
    except Exception as error:
        if "does not match expected size" in str(error):
            return {"kind": "network", "reason": "the transfer broke off", "rpc": ""}
        return {"kind": "client", "message": _harmless(f"{type(error).__name__}: {error}")}


def _bound_silence(seconds: float) -> None:
    """No request waits longer for a server that says nothing; the client sets no bound."""
    from requests.adapters import HTTPAdapter

    send = HTTPAdapter.send

    def bounded(self: HTTPAdapter, request: Any, *arguments: Any, **options: Any) -> Any:
        return send(self, request, *arguments, **{**options, "timeout": seconds})

    HTTPAdapter.send = bounded  # type: ignore[method-assign]


def _signed_in() -> Any:
    """The client after it has found credentials.

    Raises:
        SystemExit: it hasn't, which is the client's own way to say so.
    """
    import kaggle

    if not kaggle.api._authenticated:
        try:
            kaggle.api.authenticate()
        except (TypeError, KeyError, ValueError, AttributeError):
            # A credentials file of another shape than the client thinks.
            raise SystemExit(1) from None
    return kaggle.api


def _refusal(error: Any) -> dict[str, Any]:
    answer = error.response
    if answer is None:
        return {"kind": "client", "message": _harmless(str(error))}
    return {
        "kind": "http",
        "status": answer.status_code,
        "message": _harmless(_said(answer)),
        "retry_after": answer.headers.get("Retry-After"),
        "rpc": _rpc(answer.request),
    }


def _said(answer: Any) -> str:
    """What the server said in Kaggle's way, without the pages of others in between."""
    try:
        body = answer.json()
        return str(body.get("error", body).get("message") or "")
    except (ValueError, AttributeError, RuntimeError):
        return ""


def _rpc(request: Any) -> str:
    """The name of the call that failed: the last part of its address, without what follows."""
    url = str(getattr(request, "url", None) or "")
    return re.split(r"[?#]", url)[0].rsplit("/", 1)[-1]


def _reason(error: Exception) -> str:
    """The kind of network trouble; the client's own text may hold addresses with passwords."""
    from requests.exceptions import InvalidJSONError, ProxyError, SSLError, Timeout

    text = str(error)
    for kind, reason in (
        (ProxyError, "the proxy doesn't answer or refuses"),
        (SSLError, "no trusted encrypted connection"),
        (Timeout, "no answer in time"),
        (InvalidJSONError, "what answers isn't Kaggle (a proxy's or a sign-in page?)"),
    ):
        if isinstance(error, kind):
            return reason
    if "NameResolution" in text or "getaddrinfo" in text or "Name or service" in text:
        return "the name of the server is not found"
    return "connection refused" if "refused" in text else "the connection broke off"


def _harmless(text: str) -> str:
    """One short line without credentials."""
    import kaggle

    secrets = [kaggle.api.config_values.get(key) for key in ("key", "token", "api_token")]
    for secret in filter(None, [*secrets, os.environ.get("KAGGLE_API_TOKEN")]):
        text = text.replace(str(secret), "***")
    return " ".join(re.sub(r"\?\S+", "", without_password(text)).split())[:MESSAGE_LENGTH]


def _download(api: Any, slug: str, folder: str) -> str:
    """The archive's path; a partial one of the same version is continued."""
    api.competition_download_files(slug, path=folder, quiet=True)
    made = [path for path in Path(folder).iterdir() if not path.name.endswith(".kaggle-partial")]
    if not made:
        raise ValueError("the download left no archive")
    return str(max(made, key=lambda path: path.stat().st_mtime))


def _submit(api: Any, slug: str, file: str, message: str) -> dict[str, Any]:
    answer = api.competition_submit(file, message, slug, quiet=True)
    # The client says so in words alone, and its command exits with 0.
    if answer.message == api.COMPETITION_SUBMIT_UPLOAD_FAILED_MESSAGE:
        return {"uploaded": False, "ref": 0, "message": ""}
    return {"uploaded": True, "ref": answer.ref, "message": _harmless(answer.message)}


def _submissions(api: Any, slug: str, after: int) -> list[dict[str, Any]]:
    """Newest first; no page is asked for beyond the submission ``after``."""
    found: list[dict[str, Any]] = []
    for page in range(1, MOST_PAGES + 1):
        listed = api.competition_submissions(slug, page_number=page, page_size=PAGE_SIZE) or []
        known = {entry["ref"] for entry in found}
        fresh = [_listed(entry) for entry in listed if entry.ref not in known]
        found += fresh
        # A server may give out fewer a page than it is asked for; only an empty one is the last.
        if not fresh or any(entry["ref"] == after for entry in fresh):
            break
    return found


def _listed(entry: Any) -> dict[str, Any]:
    return {
        "ref": entry.ref,
        "submitted": entry.date.isoformat() if entry.date else "",
        "file": entry.file_name or "",
        "bytes": entry.total_bytes,
        "message": " ".join((entry.description or "").split()),
        "status": entry.status.name.lower(),
        "public_score": entry.public_score or "",
        "private_score": entry.private_score or "",
        "error": _harmless(entry.error_description or ""),
    }


def _limits(api: Any, slug: str) -> dict[str, int]:
    found = api.competition_get_submission_limits(slug)
    return {"today": found.num_today, "total": found.num_total, "left": found.num_allowed_now}


CALLS: dict[str, Callable[..., Any]] = {
    "download": _download,
    "submit": _submit,
    "submissions": _submissions,
    "limits": _limits,
}

if __name__ == "__main__":
    main()
