"""What everything may use and what uses nothing of ours: types, errors, files, paths, the protocol, digests, seeds, the terminal."""
