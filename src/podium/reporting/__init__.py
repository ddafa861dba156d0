"""Reports: plots, a competition's HTML page, the table at the end of a run."""
