"""``podium submit`` with the real client and a server on loopback."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from podium.io.kaggle import client
from projects import Project
from submission_help import FILE, LEDGER, NAME, blend_run, change_file, ledger, raise_first
from tracking_help import client as client_of_runs
from tracking_help import log_runs


def test_the_score_comes_back_beside_the_run(server, podium):
    outcome = podium("submit", NAME)
    assert outcome.code == 0, outcome.err
    run = blend_run()
    (entry,) = ledger()
    (sent,) = server.submissions
    assert sent.content == FILE.read_bytes()
    cv = run.data.metrics["cv"]
    assert run.data.metrics["public_score"] == 0.14142
    assert run.data.tags["kaggle.ref"] == entry["ref"] == str(sent.ref)
    assert entry["run_id"] == run.info.run_id
    assert float(entry["cv"]) == pytest.approx(cv, rel=1e-5)
    assert entry["public_score"] == "0.14142"
    assert entry["status"] == "complete"
    assert entry["sender"] == "podium"
    assert f"public - CV {0.14142 - cv:+.5f}" in outcome.out
    assert not server.problems


@pytest.mark.deep
def test_the_cv_is_that_of_the_model_that_is_submitted(server, podium):
    def change(params):
        params[NAME]["models"]["bad"] = {"model": "ridge", "alphas": [1e6]}
        params[NAME]["ensemble"] = {"method": "mean"}

    Project(Path.cwd()).edit(change)
    for words in (["train", NAME, "bad"], ["ensemble", NAME]):
        outcome = podium(*words)
        assert outcome.code == 0, outcome.err
    assert log_runs() == ""
    assert podium("submit", NAME).code == 0
    cv = pd.read_csv(f"reports/{NAME}/blend/scores.csv", index_col="model")["cv"]
    (entry,) = ledger()
    assert float(entry["cv"]) == pytest.approx(cv["ridge"], rel=1e-5)
    assert cv["ridge"] < cv["blend"]


@pytest.mark.deep
def test_the_default_message_holds_run_cv_and_commit(server, podium):
    for command in ("add params.yaml", "commit -qm start"):
        git = ["git", "-c", "user.name=me", "-c", "user.email=me@example.org", *command.split()]
        subprocess.run(git, check=True)
    assert podium("ensemble", NAME).code == 0
    assert log_runs() == ""
    assert podium("submit", NAME).code == 0
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout
    (entry,) = ledger()
    message = server.submissions[0].description
    assert f"run {entry['run_id']}, CV {entry['cv']} rmsle, commit {head[:12]}" in message
    assert entry["commit"].startswith(head[:12])


@pytest.mark.deep
@pytest.mark.parametrize(
    ("message", "sent"),
    [
        ("first, with 100% ridge", "first, with 100% ridge"),
        ("[/red] [bold]", "[/red] [bold]"),
        ("two\nlines \x1b[2J", "two lines ?[2J"),
        ("\udcff", "?"),
        ("🏆 x" * 1000, "🏆 x" * 1000),
    ],
)
def test_a_message_of_ones_own(message, sent, server, podium):
    outcome = podium("submit", NAME, "-m", message)
    assert outcome.code == 0, outcome.err
    assert server.submissions[0].description == sent
    assert ledger()[0]["message"] == sent
    assert len(LEDGER.read_text().splitlines()) == 2
    assert "0.14142" in podium("submissions", NAME).out


def test_a_dry_run_does_all_but_the_upload(server, podium):
    outcome = podium("submit", NAME, "--dry-run")
    assert outcome.code == 0, outcome.err
    assert "dry run: nothing was sent" in outcome.out
    assert "5 submissions left today" in outcome.out
    assert not server.submissions
    assert not server.sent("StartSubmissionUpload")
    assert not LEDGER.exists()


def test_without_an_account_all_is_checked_but_what_kaggle_knows(server, podium, monkeypatch):
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name)
    outcome = podium("submit", NAME, "--dry-run")
    assert outcome.code == 0, outcome.err
    assert re.search(r"^Kaggle was not asked \(.*daily limit\): not signed in: ", outcome.out, re.M)
    assert f"nothing was sent; {FILE} is ready to send" in outcome.out
    shown = podium("submissions", NAME)
    assert shown.code == 0, shown.err
    assert "no submissions yet" in shown.out
    for needs_kaggle in (["submit", NAME], ["submissions", NAME, "--sync"]):
        refused = podium(*needs_kaggle)
        assert refused.code == 2
        assert "not signed in" in refused.err


@pytest.mark.deep
def test_an_identical_file_is_refused_unless_forced(server, podium):
    assert podium("submit", NAME).code == 0
    outcome = podium("submit", NAME)
    assert outcome.code == 2
    assert f"submission {server.submissions[0].ref}, public score 0.14142" in outcome.err
    assert len(server.submissions) == 1
    assert podium("submit", NAME, "--force").code == 0
    assert len(server.submissions) == len(ledger()) == 2


@pytest.mark.deep
def test_the_rows_that_differ_are_counted(server, podium):
    assert podium("submit", NAME).code == 0
    change_file(raise_first(3))
    outcome = podium("submit", NAME)
    assert outcome.code == 0, outcome.err
    assert "3 of 40 rows differ from the last submission" in outcome.out
    assert "no MLflow run found that made this file" in outcome.out


@pytest.mark.deep
def test_equal_numbers_written_otherwise_are_identical(server, podium):
    assert podium("submit", NAME).code == 0
    table = pd.read_csv(FILE)
    table.to_csv(FILE, index=False, lineterminator="\r\n")
    outcome = podium("submit", NAME)
    assert outcome.code == 2
    assert "the same" in outcome.err


def drop_row(table):
    return table.iloc[:-1]


def swap_rows(table):
    table.loc[[0, 1], "Id"] = table.loc[[1, 0], "Id"].to_numpy()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (drop_row, "has 39 rows, sample_submission.csv has 40"),
        (swap_rows, "submission.csv:2: the id is"),
        (lambda table: table.rename(columns={"SalePrice": "Price"}), "columns are"),
        (lambda table: table.insert(1, "more", 1), "columns are"),
        (raise_first(1, float("nan")), "submission.csv:2: '' for id"),
        (raise_first(1, float("inf")), "not a finite number"),
        (raise_first(1, -1e9), "not positive"),
    ],
)
def test_what_kaggle_would_refuse_is_refused_here(change, says, server, podium):
    change_file(change)
    outcome = podium("submit", NAME)
    assert outcome.code == 2
    assert says in outcome.err
    assert outcome.err.partition("podium: error: ")[2].count("\n") == 1
    assert not server.requests


@pytest.mark.parametrize(
    "content", ["", "Id,SalePrice\n", 'Id,SalePrice\n1,"2\n', "Id,SalePrice\n1\n"]
)
def test_a_spoilt_file_is_made_anew_not_downloaded(content, server, podium):
    FILE.write_text(content)
    outcome = podium("submit", NAME)
    assert outcome.code == 2
    assert f"podium: error: {FILE}:" in outcome.err
    assert outcome.err.endswith("; 'dvc repro' makes a new one\n")
    assert not re.search("download|copy|put it", outcome.err)


@pytest.mark.deep
def test_predictions_beyond_the_training_rows_are_remarked(server, podium):
    change_file(raise_first(2, 1e7))
    outcome = podium("submit", NAME, "--dry-run")
    assert "note: 2 of 40 predictions are outside the training range" in outcome.out


SCHEMA = Path("data/processed/house-prices/schema.json")


def change_schema(**facts: str) -> None:
    """Other data on disk, as after preprocessing alone."""
    SCHEMA.write_text(json.dumps(json.loads(SCHEMA.read_text()) | facts))


def test_a_file_of_a_sample_is_refused_whatever_lies_on_disk(server, podium):
    client_of_runs().set_tag(blend_run().info.run_id, "data.provider", "sample")
    change_schema(data_sha256="other")
    outcome = podium("submit", NAME, "--dry-run")
    assert outcome.code == 2
    assert f"{FILE}: made from Podium's embedded sample" in outcome.err
    assert outcome.err.endswith("; run 'dvc repro'\n")
    assert not server.requests


@pytest.mark.parametrize("known", [True, pytest.param(False, marks=pytest.mark.deep)])
def test_a_file_of_other_data_is_refused(known, server, podium):
    """Without a run it is DVC's lock file that knows the data of the last blend."""
    change_schema(data_sha256="other", provider="sample")
    if not known:
        change_file(raise_first(3))
    outcome = podium("submit", NAME, "--force")
    assert outcome.code == 2
    assert f"{FILE}: made from other data than data/processed/house-prices has now" in outcome.err
    assert "sample" not in outcome.err, "the file isn't of the sample, the data on disk are"
    assert not server.requests


@pytest.mark.deep
def test_a_file_without_a_run_is_of_the_data_on_disk(server, podium):
    change_schema(provider="sample")
    Path("dvc.lock").unlink()
    Path("mlflow.db").unlink()
    outcome = podium("submit", NAME)
    assert outcome.code == 2
    assert "Podium's embedded sample" in outcome.err
    assert not server.requests


@pytest.mark.deep
def test_of_two_runs_of_a_file_the_one_of_these_data_counts(server, podium):
    own = blend_run()
    later = client_of_runs().create_run(own.info.experiment_id)
    tags = {name: own.data.tags[name] for name in ("data.provider", "submission.sha256")}
    for name, value in (tags | {"data.sha256": "other"}).items():
        client_of_runs().set_tag(later.info.run_id, name, value)
    outcome = podium("submit", NAME, "--dry-run")
    assert outcome.code == 0, outcome.err
    assert f"made by run {own.info.run_id}" in outcome.out


def test_no_submission_yet(server, podium):
    FILE.unlink()
    outcome = podium("submit", NAME)
    assert outcome.code == 2
    assert "run 'dvc repro'" in outcome.err


@pytest.mark.deep
@pytest.mark.parametrize("rpc", ["StartSubmissionUpload", "CreateSubmission"])
def test_refusals_leave_no_line_in_the_ledger(rpc, server, podium):
    says = {400: "/rules", 401: "KAGGLE_USERNAME", 403: "/rules", 404: "no competition"}
    for status, words in says.items():
        server.fail(rpc, status, message="Kaggle's own words")
        outcome = podium("submit", NAME)
        assert outcome.code == 2
        assert words in outcome.err
        assert not server.submissions
        assert not LEDGER.exists() or ledger() == []
    assert podium("submit", NAME).code == 0


@pytest.mark.deep
def test_not_joined(server, podium):
    server.joined = False
    outcome = podium("submit", NAME)
    assert outcome.code == 2
    assert "competitions/house-prices-advanced-regression-techniques/rules" in outcome.err


@pytest.mark.deep
def test_the_daily_limit_is_seen_before_the_upload(server, podium):
    server.daily_limit = 1
    assert podium("submit", NAME).code == 0
    outcome = podium("submit", NAME, "--force")
    assert outcome.code == 2
    assert "left today (" in outcome.err
    assert len(server.sent("upload")) == 1


@pytest.mark.deep
def test_an_unknown_allowance_stops_no_submission(server, podium):
    server.fail("GetSubmissionLimits", 404)
    outcome = podium("submit", NAME)
    assert outcome.code == 0, outcome.err
    assert "the number of submissions left today is unknown" in outcome.err


@pytest.mark.deep
def test_a_failed_upload_is_no_submission(server, podium):
    server.fail("upload", 500, times=9)
    outcome = podium("submit", NAME)
    assert outcome.code == 2
    assert "nothing was submitted" in outcome.err
    assert not server.submissions
    assert ledger() == []
    assert len(server.sent("upload")) == 4


@pytest.mark.deep
def test_an_upload_that_fails_once_is_repeated(server, podium):
    server.fail("upload", 500)
    assert podium("submit", NAME).code == 0
    assert len(server.submissions) == 1


@pytest.mark.deep
@pytest.mark.parametrize("answer", [None, 500])
def test_a_lost_answer_is_no_second_submission(answer, server, podium):
    server.lose_answer("CreateSubmission", answer=answer)
    outcome = podium("submit", NAME)
    assert outcome.code == 0, outcome.err
    assert "it arrived" in outcome.out
    assert len(server.submissions) == len(ledger()) == 1
    assert ledger()[0]["public_score"] == "0.14142"


@pytest.mark.deep
def test_a_lost_answer_of_a_second_time(server, podium):
    assert podium("submit", NAME).code == 0
    server.fail("CreateSubmission", 502)
    outcome = podium("submit", NAME, "--force")
    assert outcome.code == 2, "the first submission of the file was taken for the second"
    assert len(ledger()) == 1
    server.lose_answer("CreateSubmission")
    outcome = podium("submit", NAME, "--force")
    assert outcome.code == 0, outcome.err
    assert f"it arrived: submission {server.submissions[1].ref}" in outcome.out
    assert [entry["ref"] for entry in ledger()] == [str(one.ref) for one in server.submissions]


@pytest.mark.deep
def test_an_answer_that_is_lost_with_the_submission(server, podium):
    server.fail("CreateSubmission", 502)
    outcome = podium("submit", NAME)
    assert outcome.code == 2
    assert "not in Kaggle's list" in outcome.err
    assert ledger() == []
    assert len(server.sent("CreateSubmission")) == 1


@pytest.mark.deep
def test_a_silent_server_in_the_middle_of_a_submission(server, podium, monkeypatch):
    monkeypatch.setattr(client, "SILENCE_SECONDS", 2.0)
    server.hang("CreateSubmission", work=True)
    outcome = podium("submit", NAME)
    assert outcome.code == 0, outcome.err
    assert len(server.submissions) == 1


@pytest.mark.deep
def test_a_score_that_comes_later(server, podium):
    server.score_after = 100
    outcome = podium("submit", NAME, "--wait", "5")
    assert outcome.code == 0, outcome.err
    assert "no score yet" in outcome.out
    assert ledger()[0]["status"] == "pending"
    server.score_after = 0
    server.score = lambda content: ("0.15", "0.16")
    assert podium("submissions", NAME, "--sync").code == 0
    assert (ledger()[0]["public_score"], ledger()[0]["private_score"]) == ("0.15", "0.16")
    assert blend_run().data.metrics["private_score"] == 0.16


@pytest.mark.deep
def test_a_file_that_kaggle_cannot_score(server, podium):
    def refuse(content):
        raise ValueError("ids are wrong")

    server.score = refuse
    outcome = podium("submit", NAME)
    assert outcome.code == 2
    assert "could not be scored" in outcome.err
    assert "ids are wrong" in outcome.err
    assert ledger()[0]["status"] == "error"
    # What was never scored may be sent again.
    server.score = lambda content: ("0.2", None)
    assert podium("submit", NAME).code == 0


@pytest.mark.deep
def test_killed_between_upload_and_answer(server, podium):
    server.hang("CreateSubmission", work=True)
    process = subprocess.Popen([sys.executable, "-P", "-m", "podium", "submit", NAME])
    for _ in range(600):
        if server.submissions:
            break
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert [entry["status"] for entry in ledger()] == ["sending"]
    outcome = podium("submit", NAME)
    assert outcome.code == 2
    assert f"submission {server.submissions[0].ref}" in outcome.err
    assert podium("submissions", NAME, "--sync").code == 0
    (entry,) = ledger()
    assert entry["ref"] == str(server.submissions[0].ref)
    assert entry["sender"] == "podium"
    assert entry["run_id"] == blend_run().info.run_id


@pytest.mark.deep
def test_mlflow_out_of_reach_stops_no_submission(server, podium, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    outcome = podium("submit", NAME)
    assert outcome.code == 0, outcome.err
    assert "no server answers" in outcome.err
    assert "MLflow" not in outcome.out.splitlines()[-1]
    assert ledger()[0]["public_score"] == "0.14142"
    assert ledger()[0]["run_id"] == ""
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert podium("submissions", NAME, "--sync").code == 0
    assert ledger()[0]["run_id"] == blend_run().info.run_id
    assert blend_run().data.metrics["public_score"] == 0.14142


@pytest.mark.deep
def test_an_edit_since_is_remarked(server, podium):
    assert "changed since" not in podium("submit", NAME, "--dry-run").out
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("seed: 0", "seed: 1"))
    out = podium("submit", NAME, "--dry-run").out
    assert "note: house-prices.folds changed since this file was made" in out


@pytest.mark.deep
@pytest.mark.parametrize("content", ["", "stages: [", "stages:\n", "\0", "5"])
def test_a_lock_file_that_a_kill_cut_off_stops_no_submission(content, server, podium):
    Path("dvc.lock").write_text(content)
    outcome = podium("submit", NAME, "--dry-run")
    assert outcome.code == 0, outcome.err
    assert "changed since" not in outcome.out


@pytest.mark.deep
def test_a_network_that_goes_while_waiting(server, podium):
    server.score_after = 100
    original = server.answer

    def answer(request):
        if server.submissions:
            server.fail("ListSubmissions", 500, times=99)
        return original(request)

    server.answer = answer
    outcome = podium("submit", NAME)
    assert outcome.code == 0, outcome.err
    assert "the submission is sent: 'podium submissions house-prices --sync'" in outcome.err
    assert len(ledger()) == 1


@pytest.mark.deep
def test_a_file_that_may_be_cut_off_is_remarked(server, podium):
    assert "no line break at the end" not in podium("submit", NAME, "--dry-run").out
    FILE.write_bytes(FILE.read_bytes()[:-3])
    assert "note: no line break at the end" in podium("submit", NAME, "--dry-run").out


@pytest.mark.deep
def test_numbers_of_another_scale_are_stopped_unless_forced(server, podium):
    change_file(raise_first(1, -1.0))
    assert podium("submit", NAME, "--dry-run").code == 0
    change_file(lambda table: table.assign(SalePrice=np.log(table["SalePrice"])))
    outcome = podium("submit", NAME)
    assert outcome.code == 2
    assert "'SalePrice' looks like the logarithm of what the models predict" in outcome.err
    assert not server.submissions
    forced = podium("submit", NAME, "--force")
    assert forced.code == 0, forced.err
    assert "warning: 'SalePrice' looks like" in forced.err
    assert len(server.submissions) == 1


@pytest.mark.deep
@pytest.mark.parametrize("place", ["KAGGLE_API_TOKEN", "access_token"])
def test_a_token_that_kaggle_does_not_take(place, server, podium, monkeypatch, tmp_path):
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name)
    if place == "access_token":
        file = tmp_path / "home/.kaggle/access_token"
        file.parent.mkdir(exist_ok=True)
        file.write_text("KGAT_0123456789abcdef")
    else:
        monkeypatch.setenv(place, "KGAT_0123456789abcdef")
    outcome = podium("submit", NAME)
    assert outcome.code == 2
    assert re.search(f"Kaggle rejects the access token of [^:]*{place}: ", outcome.err)
    assert "KGAT_" not in outcome.err


@pytest.mark.deep
@pytest.mark.parametrize("content", ['{"username":', '{"user": "a"}', "", "[1]"])
def test_a_credentials_file_without_credentials(content, server, podium, monkeypatch, tmp_path):
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name)
    file = tmp_path / "home/.kaggle/kaggle.json"
    file.parent.mkdir()
    file.write_text(content)
    file.chmod(0o600)
    server.check_credentials = True
    outcome = podium("submissions", NAME)
    assert outcome.code == 2
    assert "kaggle.json" in outcome.err
    assert "the client failed" not in outcome.err


@pytest.mark.deep
def test_secrets_stay_secret(server, podium, monkeypatch, tmp_path):
    """After success and failure, no file, output or database holds a credential."""
    monkeypatch.setenv("VERBOSE", "1")
    monkeypatch.setenv("KAGGLE_API_TOKEN", server.token)
    server.check_credentials = True
    outcomes = [podium("submit", NAME)]
    assert outcomes[0].code == 0, outcomes[0].err
    server.fail("CreateSubmission", 400, message=f"no: {server.token} of {server.key}")
    outcomes.append(podium("submit", NAME, "--force"))
    server.fail("DownloadDataFiles", 500, times=9, message=f"{server.token}")
    Path("data/raw/house-prices/manifest.json").unlink()
    outcomes.append(podium("--debug", "download", NAME))
    assert [outcome.code for outcome in outcomes] == [0, 2, 2]
    texts = [(outcome.out + outcome.err).encode() for outcome in outcomes]
    texts += [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert Path("dvc.lock").is_file()
    assert Path("mlflow.db").is_file()
    assert LEDGER.is_file()
    for secret in server.secrets:
        assert not any(secret.encode() in text for text in texts)
    assert os.environ["KAGGLE_API_TOKEN"] == server.token
