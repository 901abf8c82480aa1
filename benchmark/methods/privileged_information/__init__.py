"""Methods that know more than noisy labels: who labelled, or which labels are right."""
