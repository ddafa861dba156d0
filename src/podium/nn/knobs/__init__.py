"""The knobs' code, a file for each family; ``podium.config.networks`` has their parameters."""
