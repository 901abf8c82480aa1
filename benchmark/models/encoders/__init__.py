"""Frozen encoders: images become features once, and then training a linear model on them takes seconds."""
