"""Blending models on their OOF predictions, and the submission made from the blend."""
