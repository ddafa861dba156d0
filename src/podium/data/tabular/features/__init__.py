"""Columns made row by row: expressions, ordinal maps, and statistics of groups inside them."""
