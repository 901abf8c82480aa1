"""Tasks: one folder each, with ``load(paths, ...) -> Task``, a card and a README."""
