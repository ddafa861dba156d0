"""Runs the official client in a separate process: one call, its answer as JSON on standard output.

On import the client prints help, makes a folder in the home directory, reads credentials, may use
the network and may exit; it has no timeout, and prints secrets if ``VERBOSE`` is set. In a separate
process this does no harm: ``podium.io.kaggle.client`` starts this module, reads one line of JSON
and can kill it at any time. The process ends when its parent does.
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
    answer = _reserve_stdout()
    request = json.loads(_line())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    json.dump(_answer(request["call"], request["silence"], request["arguments"]), answer)
    answer.flush()


def _reserve_stdout() -> IO[str]:
    """Keep standard output for the answer: the client's own output goes to standard error."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answer


def _line() -> bytes:
    """The first line of standard input, read without ``sys.stdin``, which the thread would lock."""
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(0, 65536) or b"\n"
    return line


def _end_with_parent() -> None:
    # The parent keeps the other end of this pipe open as long as it lives.
    while os.read(0, 65536):
        pass
    os._exit(1)


def _answer(call: str, silence: float, arguments: dict[str, Any]) -> dict[str, Any]:
    """``{"result": ...}``, or the kind and details of an error."""
    from requests.exceptions import HTTPError, RequestException

    _set_timeout(silence)
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
            return {"kind": "network", "reason": "the transfer was interrupted", "rpc": ""}
        return {"kind": "client", "message": _without_secrets(f"{type(error).__name__}: {error}")}


def _set_timeout(seconds: float) -> None:
    """Give every request a timeout; the client sets none."""
    from requests.adapters import HTTPAdapter

    send = HTTPAdapter.send

    def bounded(self: HTTPAdapter, request: Any, *arguments: Any, **options: Any) -> Any:
        return send(self, request, *arguments, **{**options, "timeout": seconds})

    HTTPAdapter.send = bounded  # type: ignore[method-assign]


def _signed_in() -> Any:
    """The client, authenticated.

    Raises:
        SystemExit: there are no credentials; this is what the client itself raises.
    """
    import kaggle

    if not kaggle.api._authenticated:
        try:
            kaggle.api.authenticate()
        except (TypeError, KeyError, ValueError, AttributeError):
            # A credentials file in an unexpected format.
            raise SystemExit(1) from None
    return kaggle.api


def _refusal(error: Any) -> dict[str, Any]:
    answer = error.response
    if answer is None:
        return {"kind": "client", "message": _without_secrets(str(error))}
    return {
        "kind": "http",
        "status": answer.status_code,
        "message": _without_secrets(_server_message(answer)),
        "retry_after": answer.headers.get("Retry-After"),
        "rpc": _rpc(answer.request),
    }


def _server_message(answer: Any) -> str:
    """The message of Kaggle's JSON error; empty for anything else, such as a proxy's page."""
    try:
        body = answer.json()
        return str(body.get("error", body).get("message") or "")
    except (ValueError, AttributeError, RuntimeError):
        return ""


def _rpc(request: Any) -> str:
    """The name of the call that failed: the last part of the URL's path."""
    url = str(getattr(request, "url", None) or "")
    return re.split(r"[?#]", url)[0].rsplit("/", 1)[-1]


def _reason(error: Exception) -> str:
    """The kind of network error; the client's own text may contain URLs with passwords."""
    from requests.exceptions import InvalidJSONError, ProxyError, SSLError, Timeout

    text = str(error)
    for kind, reason in (
        (ProxyError, "the proxy doesn't answer or refuses"),
        (SSLError, "no trusted TLS connection"),
        (Timeout, "no answer in time"),
        (InvalidJSONError, "the answer isn't from Kaggle (a proxy or a sign-in page?)"),
    ):
        if isinstance(error, kind):
            return reason
    if "NameResolution" in text or "getaddrinfo" in text or "Name or service" in text:
        return "the server's name was not found"
    return "connection refused" if "refused" in text else "the connection was interrupted"


def _without_secrets(text: str) -> str:
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
    # The client reports a failed upload only in this message; its command exits with 0.
    if answer.message == api.COMPETITION_SUBMIT_UPLOAD_FAILED_MESSAGE:
        return {"uploaded": False, "ref": 0, "message": ""}
    return {"uploaded": True, "ref": answer.ref, "message": _without_secrets(answer.message)}


def _submissions(api: Any, slug: str, after: int) -> list[dict[str, Any]]:
    """Newest first; pages beyond the submission ``after`` are not requested."""
    found: list[dict[str, Any]] = []
    for page in range(1, MOST_PAGES + 1):
        listed = api.competition_submissions(slug, page_number=page, page_size=PAGE_SIZE) or []
        known = {entry["ref"] for entry in found}
        fresh = [_listed(entry) for entry in listed if entry.ref not in known]
        found += fresh
        # The server may return fewer per page than requested; only an empty page is the last.
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
        "error": _without_secrets(entry.error_description or ""),
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
