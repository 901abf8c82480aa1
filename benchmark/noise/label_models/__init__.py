"""Rules that make one label, or class probabilities, of what several sources say: ``noise=votes noise.by=NAME``."""
