"""What methods of several families are made of: folds, the multi-label base, ports to regression, wrappers."""
