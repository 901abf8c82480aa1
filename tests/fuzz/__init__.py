"""Inputs that nobody wrote: ``make fuzz MINUTES=5``; a short part of it runs with the other tests."""
