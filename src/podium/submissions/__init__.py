"""Submitting to Kaggle and tracking scores: ``podium submit`` and ``podium submissions``.

These are commands and not stages: a submission uses a daily quota and can't be reproduced.
"""
