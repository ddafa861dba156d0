"""``podium tune``: better values for a model's knobs, within a time that is set."""
