"""Processes, locks, progress and tracking: what a stage runs in."""
