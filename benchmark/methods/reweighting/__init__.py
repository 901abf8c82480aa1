"""Methods that give suspicious labels less weight."""
