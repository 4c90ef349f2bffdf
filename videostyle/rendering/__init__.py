"""From names to finished files: plans, chunks, workers, batches."""
