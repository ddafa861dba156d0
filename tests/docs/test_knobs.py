"""The reference of networks' knobs lists all of them, with the defaults of the code."""

import re

from podium.config.networks import LinearParams, MLPParams
from projects import ROOT

ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| [^|]+ \|[^|]*\|$", re.MULTILINE)
# Not in the page's tables: of every model.
OF_ALL = {"model", "search"}


def spelt(value):
    """A default as params.yaml has it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_knobs_and_defaults_are_those_of_the_code():
    rows = {row[0]: row[2] for row in ROW.findall((ROOT / "docs/knobs.md").read_text())}
    assert set(rows) == set(MLPParams.model_fields) - OF_ALL
    for knob, field in MLPParams.model_fields.items():
        if knob in OF_ALL:
            continue
        expected = spelt(field.default)
        linear = LinearParams.model_fields.get(knob)
        if linear is not None and spelt(linear.default) != expected:
            expected += f" ({spelt(linear.default)})"
        assert re.sub(r", [\w ]+(?= \()", "", rows[knob]) == expected, knob
