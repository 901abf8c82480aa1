"""What is scored: checkpoints of a run, memorization, detection of label errors, strength of the noise."""
