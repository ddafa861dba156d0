"""``podium new``: a competition's block, guessed from its files and written to params.yaml."""
