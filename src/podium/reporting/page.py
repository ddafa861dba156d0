"""One self-contained HTML page per competition: images are embedded, nothing is loaded."""

import base64
import html
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2430; max-width: 60rem;
       margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
td, th { padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #e3e6ea; text-align: left }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem } .pictures img { width: 29rem }
.pictures img.wide { width: 45rem }
code { background: #f2f4f7; padding: .2rem .4rem; border-radius: 4px }
.summary { font-size: 13px }
"""


@dataclass(frozen=True)
class Page:
    """The content of the page; ``tables``, by heading, come below the pictures."""

    title: str
    facts: dict[str, str]
    scores: pd.DataFrame
    summary: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    pictures: list[Path]
    submit: list[str]
    submit_note: str


def render(page: Page) -> str:
    """The page as HTML."""
    title = html.escape(page.title)
    facts = "".join(
        f"<tr><th>{html.escape(key)}</th><td>{html.escape(value)}</td></tr>"
        for key, value in page.facts.items()
    )
    return (
        f"<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>{title}</title>"
        f"<style>{_STYLE}</style></head><body>\n<h1>{title}</h1>\n"
        f"<table>{facts}</table>\n"
        f"<h2>Scores</h2>\n{_table(page.scores)}\n"
        f"<h2>Submit</h2>\n<p>{html.escape(page.submit_note)}</p>\n"
        f"{''.join(map(_command, page.submit))}"
        f"<h2>Plots</h2>\n<div class='pictures'>{''.join(map(_picture, page.pictures))}</div>\n"
        f"{''.join(map(_section, page.tables, page.tables.values()))}"
        f"<h2>What was done to the data (first fold)</h2>\n"
        f"<div class='summary'>{_table(page.summary)}</div>\n"
        "</body></html>\n"
    )


def _section(heading: str, table: pd.DataFrame) -> str:
    return f"<h2>{html.escape(heading)}</h2>\n<div class='summary'>{_table(table)}</div>\n"


def _command(command: str) -> str:
    return f"<p><code>{html.escape(command)}</code></p>\n"


def _table(table: pd.DataFrame) -> str:
    text = table.to_html(index=False, border=0, na_rep="", float_format="{:g}".format)
    return str(text)


def _picture(path: Path) -> str:
    encoded = base64.b64encode(path.read_bytes()).decode()
    wide = " class='wide'" if path.stem.endswith(("confusion", "worst")) else ""
    return f"<img{wide} alt='{html.escape(path.stem)}' src='data:image/png;base64,{encoded}'>"
