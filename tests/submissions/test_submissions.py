"""``podium submissions``: the ledger beside Kaggle's list, and what ``--sync`` adds to it."""

import io
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from ruamel.yaml import YAML

from kaggle_protocol.competition import Submission
from podium.submissions import commands
from podium.submissions.ledger import read
from submission_help import FILE, LEDGER, NAME, blend_run, change_file, ledger, raise_first


@pytest.mark.deep
def test_the_plain_command_and_sync(server, podium):
    program = "from kaggle.cli import main; main()"
    command = ["competitions", "submit", "-c", server.slug, "-f", str(FILE), "-m", "by hand"]
    done = subprocess.run(
        [sys.executable, "-c", program, *command], capture_output=True, text=True, timeout=60
    )
    assert "Successfully submitted" in done.stdout
    shown = podium("submissions", NAME)
    assert "by hand" in shown.out
    assert "--sync" in shown.out
    assert not LEDGER.exists(), "to show is not to write"
    for _ in range(2):  # The second has nothing to add.
        assert podium("submissions", NAME, "--sync").code == 0
        (entry,) = ledger()
        assert entry["sender"] == "kaggle"
        assert entry["run_id"] == blend_run().info.run_id
        assert entry["public_score"] == "0.14142"
    assert blend_run().data.metrics["public_score"] == 0.14142
    assert podium("submit", NAME).code == 2, "the same file was sent by hand"


@pytest.mark.deep
def test_all_competitions_at_once(server, podium):
    assert podium("submit", NAME).code == 0
    LEDGER.unlink()
    yaml, params = YAML(), Path("params.yaml")
    document = yaml.load(params)
    document["competitions"] = ["digit-recognizer", NAME]
    yaml.dump(document, params)
    outcome = podium("submissions", "--sync")
    assert "warning: digit-recognizer: kaggle: 403" in outcome.err, "nobody joined that one"
    assert outcome.code == 0, outcome.err
    assert len(ledger()) == 1
    server.joined = False
    assert podium("submissions").code == 2


@pytest.mark.deep
def test_a_message_with_the_run_finds_it_whatever_the_file(server, podium):
    run = blend_run().info.run_id
    now = datetime.now(UTC)
    server.submissions.append(Submission(1, f"run {run}, sent from elsewhere", date=now))
    server.submissions.append(Submission(2, "another file", content=b"x", date=now))
    assert podium("submissions", NAME, "--sync").code == 0
    assert [entry["run_id"] for entry in ledger()] == [run, ""]
    assert float(ledger()[0]["cv"]) > 0
    assert ledger()[1]["cv"] == ""


@pytest.mark.deep
def test_a_file_written_after_the_submission_is_not_taken_for_it(server, podium):
    before = datetime.fromtimestamp(FILE.stat().st_mtime, UTC) - timedelta(minutes=5)
    server.submissions.append(Submission(1, "early", content=FILE.read_bytes(), date=before))
    assert podium("submissions", NAME, "--sync").code == 0
    assert ledger()[0]["run_id"] == ""


@pytest.mark.deep
def test_more_submissions_than_a_page_holds(server, podium):
    start = datetime(2025, 1, 1, tzinfo=UTC)
    for index in range(230):
        date = start + timedelta(hours=index)
        server.submissions.append(
            Submission(index + 1, f"number {index}", date=date, status="complete", public_score="1")
        )
    assert podium("submissions", NAME, "--sync").code == 0
    assert [int(entry["ref"]) for entry in ledger()] == list(range(1, 231))


@pytest.mark.deep
def test_rank_correlation_from_three_on(server, podium):
    assert podium("submit", NAME).code == 0
    head, *_ = LEDGER.read_text().splitlines()
    row = ledger()[0]
    server.submissions.clear()
    for scores, says in (((1, 2), ""), ((1, 2, 3), "+1.00"), ((3, 2, 1), "-1.00")):
        lines = [head]
        for index, score in enumerate(scores):
            other = {"ref": str(index + 1), "run_id": f"{index}"}
            fields = {**row, **other, "cv": f"0.1{index}", "public_score": f"0.1{score}"}
            lines.append(",".join(f'"{value}"' for value in fields.values()))
        LEDGER.write_text("\n".join(lines) + "\n")
        expected = f"{says} over 3 runs" if says else "needs 3 scored runs, has 2"
        assert expected in podium("submissions", NAME).out


@pytest.mark.deep
def test_the_table_shows_the_gap_and_what_only_one_side_knows(server, podium):
    assert podium("submit", NAME).code == 0
    cv = float(ledger()[0]["cv"])
    server.submissions.clear()
    server.submissions.append(
        Submission(7, "from a notebook", status="complete", public_score="0.2")
    )
    out = podium("submissions", NAME).out
    assert re.search(rf"{0.14142 - cv:+.5f}".replace("+", r"\+"), out)
    assert "not in Kaggle's list" in out
    assert "by hand" in out


@pytest.mark.deep
def test_the_ledger_is_shown_without_a_network(server, podium, monkeypatch):
    assert podium("submit", NAME).code == 0
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    outcome = podium("submissions", NAME)
    assert outcome.code == 2
    assert "0.14142" in outcome.out
    assert "proxy" in outcome.err


@pytest.mark.parametrize(
    "content",
    [
        "nonsense",
        *(
            pytest.param(content, marks=pytest.mark.deep)
            for content in (
                "ref,status\n1\n",
                "ref,status\n1,2,3\n",
                "\0",
                "ref,status\nx,\n",
                "ref,status,cv\n1,,x\n",
            )
        ),
    ],
)
def test_an_invalid_ledger_is_reported_and_kept(content, server, podium):
    LEDGER.write_text(content)
    outcome = podium("submit", NAME)
    assert outcome.code == 2
    assert "not a valid ledger" in outcome.err
    assert LEDGER.read_text() == content
    assert not server.submissions


@pytest.mark.deep
def test_a_ledger_of_another_server_is_reported_and_kept(server, podium):
    """Submission numbers are unique at Kaggle, but a restarted test server reuses them."""
    assert podium("submit", NAME, "-m", "mine").code == 0
    before = LEDGER.read_bytes()
    (known,) = server.submissions
    server.submissions[0] = replace(
        known, description="not mine", date=known.date + timedelta(minutes=2)
    )
    for command in (["submit", NAME], ["submissions", NAME, "--sync"]):
        outcome = podium(*command)
        assert outcome.code == 2
        assert f"{LEDGER}: submission {known.ref} has the time" in outcome.err
        assert "('not mine')" in outcome.err
        assert LEDGER.read_bytes() == before
    # Only the message was edited, or only the clock: that is the same one.
    for change in ({"description": "edited"}, {"date": known.date + timedelta(minutes=2)}):
        server.submissions[0] = replace(known, **change)
        assert podium("submissions", NAME, "--sync").code == 0
        LEDGER.write_bytes(before)


@pytest.mark.deep
def test_a_ledger_made_again_knows_the_files_that_were_kept(server, podium):
    assert podium("submit", NAME, "-m", "first").code == 0
    first = FILE.read_bytes()
    # An hour ago.
    (kept,) = LEDGER.parent.glob("sent/*.csv")
    os.utime(kept, (kept.stat().st_mtime - 3600,) * 2)
    server.submissions[0] = replace(
        server.submissions[0], date=server.submissions[0].date - timedelta(hours=1)
    )
    LEDGER.unlink()
    assert podium("submissions", NAME, "--sync").code == 0
    change_file(raise_first(2))
    assert podium("submit", NAME, "-m", "second").code == 0
    known = ledger()
    LEDGER.unlink()
    assert podium("submissions", NAME, "--sync").code == 0
    for name in ("sha256", "message", "run_id", "sender"):
        assert [one[name] for one in ledger()] == [one[name] for one in known]
    FILE.write_bytes(first)
    assert podium("submit", NAME).code == 2, "it was sent before"


@pytest.mark.deep
def test_a_copy_of_one_submission_is_not_taken_for_another(server, podium):
    """Files of labels all have one size."""
    assert podium("submit", NAME, "-m", "first").code == 0
    (first,) = server.submissions
    change_file(lambda table: table.assign(SalePrice=table["SalePrice"].to_numpy()[::-1]))
    later = FILE.stat().st_mtime + 60
    os.utime(FILE, (later, later))
    other = Submission(first.ref + 1, "by hand", content=first.content, date=first.date)
    server.submissions.append(other)
    assert podium("submissions", NAME, "--sync").code == 0
    assert [entry["sha256"] != "" for entry in ledger()] == [True, False]


@pytest.mark.deep
def test_a_run_that_was_sent_twice_counts_once(server, podium):
    assert podium("submit", NAME).code == 0
    for _ in range(2):
        assert podium("submit", NAME, "--force").code == 0
    assert "needs 3 scored runs, has 1" in podium("submissions", NAME).out


@pytest.mark.deep
def test_no_cell_of_the_ledger_is_a_formula(server, podium):
    messages = ["=1+1", "+1", "-1", "@x", "'=1", "'a", "''"]
    server.daily_limit = len(messages)
    for message in messages:
        assert podium("submit", NAME, f"--message={message}", "--force").code == 0
    assert [one.description for one in server.submissions] == messages
    assert not [own for own in ledger() if own["message"].startswith(("=", "+", "-", "@"))]
    assert [entry.message for entry in read(NAME)] == messages
    for _ in range(2):  # Read and written again, and nothing is added.
        before = LEDGER.read_bytes()
        assert podium("submissions", NAME, "--sync").code == 0
        assert LEDGER.read_bytes() == before


@pytest.mark.deep
def test_columns_of_ones_own_stay(server, podium):
    assert podium("submit", NAME).code == 0
    lines = LEDGER.read_text().splitlines()
    LEDGER.write_text(f"{lines[0]},note\n{lines[1]},the good one\n")
    assert podium("submit", NAME, "--force").code == 0
    assert [entry["note"] for entry in ledger()] == ["the good one", ""]


@pytest.mark.deep
def test_a_lost_ledger_is_made_again(server, podium):
    assert podium("submit", NAME).code == 0
    before = ledger()
    LEDGER.unlink()
    assert podium("submissions", NAME, "--sync").code == 0
    for one in (*before, *ledger()):
        one.pop("sha256")
    assert ledger()[0]["run_id"] == before[0]["run_id"]
    assert ledger()[0]["sender"] == "podium"


@pytest.mark.deep
def test_a_database_that_is_none(server, podium):
    Path("mlflow.db").write_text("garbage")
    outcome = podium("submit", NAME)
    assert outcome.code == 0, outcome.err
    assert "file is not a database" in outcome.err
    assert "Traceback" not in outcome.err
    assert len(server.submissions) == 1


@pytest.mark.deep
@pytest.mark.parametrize("columns", ["80", "100"])
def test_a_narrow_terminal_shows_the_scores(columns, server, podium, monkeypatch):
    assert podium("submit", NAME).code == 0
    entry = ledger()[0]
    shown = io.StringIO()
    narrow = Console(file=shown, width=int(columns), force_terminal=True, color_system=None)
    monkeypatch.setattr(commands, "results", lambda: narrow)
    assert podium("submissions", NAME).code == 0
    for value in (entry["ref"], entry["cv"], entry["public_score"], entry["submitted"][:10]):
        assert value in shown.getvalue()
