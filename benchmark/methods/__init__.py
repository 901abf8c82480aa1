"""Methods for learning with noisy labels: the contract in ``base``, then one file per method."""
