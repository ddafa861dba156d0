"""Tables: reading and checking csv files, folds, and preprocessing fitted per fold."""
