"""Networks: many members (fold x seed) trained together in one batched tensor program."""

from podium.nn.knobs.inputs import Columns
from podium.nn.members import FittedMembers, divergence, fit_members
from podium.nn.observe import Snapshot
from podium.nn.training import Progress

__all__ = ["Columns", "FittedMembers", "Progress", "Snapshot", "divergence", "fit_members"]
