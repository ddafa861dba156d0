"""Alarms about leaks: what makes scores on the folds better than they will be on the test set."""
