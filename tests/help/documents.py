"""Reads the project's documents: their headings, links, code blocks and the commands in them."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import nbformat

from projects import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))
FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
# What separates commands of a line, and what ends one.
OPERATORS = set("();<>|&")


def name(path: Path) -> str:
    """The path as a person writes it."""
    return path.relative_to(ROOT).as_posix()


def text_of(path: Path) -> str:
    """A page's text, or that of a notebook's Markdown cells."""
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a language."""
    return [body for _, found, body in FENCE.findall(text) if found == language]


def prose(text: str) -> str:
    """The text without its code blocks."""
    return FENCE.sub("", text)


def anchors(text: str) -> set[str]:
    """What links may point at: GitHub's and MkDocs' names of the headings."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", prose(text), re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        found.add(re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-"))
    return found


def links(text: str) -> list[str]:
    """The targets of links and images, without those to other sites."""
    plain = re.sub(r"`[^`\n]+`", "", prose(text))
    found = re.findall(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)", plain)
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def lines(block: str) -> Iterator[str]:
    """The lines of a shell block: continued ones joined, without what is fed to a command."""
    end = ""
    for line in block.replace("\\\n", " ").splitlines():
        if end:
            end = "" if line.strip() == end else end
            continue
        if here := re.search(r"<<-?\s*['\"]?(\w+)['\"]?", line):
            end, line = here[1], line.replace(here[0], "")
        if line.strip() and not line.lstrip().startswith("#"):
            yield line


def commands(line: str) -> list[list[str]]:
    """The words of each command in a line, without comments and redirections."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    words = iter(lexer)
    for word in words:
        if not set(word) <= OPERATORS:
            found[-1].append(word)
        elif set(word) & set("<>"):
            next(words)
        else:
            found.append([])
    return [words for words in found if words]


def shell(path: Path) -> list[list[str]]:
    """Every command in the bash blocks of a page."""
    return [
        command
        for block in blocks(text_of(path), "bash")
        for line in lines(block)
        for command in commands(line)
    ]


def spans(path: Path, program: str) -> list[str]:
    """The commands of a program that stand within sentences."""
    return re.findall(rf"`({program} [^`\n]+)`", prose(text_of(path)))
