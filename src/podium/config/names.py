"""Names that are taken. In a file of their own: what imports one depends on nothing else."""

# The blend's, beside the models'.
BLEND = "blend"
