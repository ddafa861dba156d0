"""Features that are fitted on each fold's training rows: what they learn, and for which rows."""
