"""Losses that a wrong label pulls on less than on cross entropy."""
