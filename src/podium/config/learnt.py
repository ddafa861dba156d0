"""The features that are learnt on a fold's training rows: one class of keys each."""

from podium.config.block import Block

# By the key that names it in params.yaml, as in ``PriceOfArea: {target_mean: [Neighborhood]}``.
LEARNT: dict[str, type[Block]] = {}
