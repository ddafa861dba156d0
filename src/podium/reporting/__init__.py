"""What a person looks at: plots, the page of a competition, the table at the end of a run."""
