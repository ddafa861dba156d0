"""The app that commands are added to: groups, examples, arguments that many of them have."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from podium.cli import names

# The groups of ``podium --help``, in the order of use.
START, RUN, LOOK, SUBMIT = "Start", "Run", "Look", "Submit"
STAGES = "Stages, run by DVC"
GROUPS = (START, RUN, LOOK, SUBMIT, STAGES)

# Click's mark of a paragraph whose lines stay as they are.
AS_IT_IS = "\b\n"
EXIT_CODES = f"""{AS_IT_IS}Exit codes:
    0  it worked
    1  a bug in Podium: please report what --debug prints
    2  you can fix it: one line says what, where and how
  130  stopped by Ctrl-C
  143  stopped by SIGTERM (kill, the end of DVC)

--quiet and --debug may stand before or after the command."""

Function = TypeVar("Function", bound=Callable[..., Any])


class Grouped(typer.core.TyperGroup):
    """Help with a heading for each group of commands, in a terminal and in a pipe alike."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands below the headings of their groups, in columns of one width."""
        groups: dict[str, list[tuple[str, str]]] = {title: [] for title in GROUPS}
        longest = max(map(len, self.commands))
        for name, command in self.commands.items():
            lines = (command.help or "").partition("\n\n")[0].split()
            panel = command.rich_help_panel  # type: ignore[attr-defined]
            groups[panel].append((name.ljust(longest), " ".join(lines)))
        for title, rows in groups.items():
            with formatter.section(title):
                formatter.write_dl(rows)


app = typer.Typer(
    name="podium",
    cls=Grouped,
    help="From params.yaml to a checked Kaggle submission. The stages are run by 'dvc repro'.",
    epilog=EXIT_CODES,
    # Plain text: errors are one line, and a pipe gets what a terminal shows.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

CompetitionName = Annotated[
    str,
    typer.Argument(help="A competition's block in params.yaml.", autocompletion=names.competitions),
]
ModelName = Annotated[
    str,
    typer.Argument(help="One of the competition's models.", autocompletion=names.models),
]


def command(group: str, *examples: str) -> Callable[[Function], Function]:
    """Add a function to the app as a command.

    Args:
        group: its heading in ``podium --help``.
        examples: command lines that its help shows, the most useful first.
    """
    title = "Example" if len(examples) == 1 else "Examples"
    lines = "\n".join(f"  {example}" for example in examples)
    return app.command(rich_help_panel=group, epilog=f"{AS_IT_IS}{title}:\n{lines}")
