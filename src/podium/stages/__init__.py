"""The DVC stages: one file each, reading like a list of what the stage does."""
