"""How to send the submission, for the page and the terminal."""

from podium.config.providers import is_sample, real_providers
from podium.io import paths
from podium.io.text import either
from podium.reporting.page import Block, Code, Section, Text
from podium.stages.report.results import Results


def submit_section(results: Results) -> Section:
    """The commands, and what to do before them."""
    said, lines = note(results), commands(results)
    blocks: list[Block] = [Text(said[0].upper() + said[1:], strong=True)] if said else []
    if lines:
        blocks.append(
            Text(f"The file is {paths.submission(results.name)}. Either command sends it:")
        )
        blocks.append(Code(lines))
    return Section("submit", "Submit", blocks)


def commands(results: Results) -> list[str]:
    """The exact commands that send the submission: Podium's, which brings its score back; Kaggle's.

    ``podium submissions --sync`` finds what Kaggle's sent. Without a slug there are none.
    """
    slug, path = results.competition.source.slug, paths.submission(results.name)
    if slug is None:
        return []
    kaggle = f'kaggle competitions submit -c {slug} -f {path} -m "podium"'
    return [f"podium submit {results.name}", kaggle]


def note(results: Results) -> str:
    """What to do first, where it is no submission for Kaggle, or nothing says which of Kaggle's."""
    competition, schema = results.competition, results.schema
    if not is_sample(schema.provider):
        if competition.source.slug is None:
            return (
                f"set {competition.name}.source.slug in params.yaml: the last part of the "
                "competition's address on Kaggle"
            )
        return ""
    kind = "synthetic" if schema.synthetic else "sample"
    others = either(real_providers(competition.kind))
    return (
        f"not this one, it is made from {kind} data: set source.provider to {others}, run again, "
        "then:"
    )
