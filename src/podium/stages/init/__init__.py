"""``podium init``: a project in an empty folder, made of what the package brings along."""
