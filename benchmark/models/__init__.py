"""Backbones: ``encode`` and a linear ``head``."""
