"""Noise generators and their cache."""
