"""One process per ``dvc repro`` that has the libraries loaded; stages are forked from it."""
