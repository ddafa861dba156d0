"""Submitting, and what came of it: the commands ``podium submit`` and ``podium submissions``.

They are no stages: a submission spends a daily quota and can't be reproduced.
"""
