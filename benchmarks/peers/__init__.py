"""The contestants: each trains all members of one task and returns how to predict with them."""
