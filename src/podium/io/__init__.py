"""Files, archives, text and Kaggle: what comes from outside, checked before it is believed."""
