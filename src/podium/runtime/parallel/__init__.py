"""Independent stages side by side, each in a ``dvc repro`` of its own: ``podium repro -j N``."""
