"""Networks: many members (fold x seed) trained together in one batched tensor program."""
