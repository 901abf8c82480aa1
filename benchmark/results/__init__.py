"""Rows, the store and the archive that keep them, where they come from, and whether today's code made them."""
