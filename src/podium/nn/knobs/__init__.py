"""The code of the hyperparameters (knobs), one file per family; ``podium.config.networks`` has
their names, types and defaults.
"""
