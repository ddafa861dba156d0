"""From raw files to a dataset with folds: sources, tables, images."""
