"""``podium cv``: models and blend on folds of several seeds."""
