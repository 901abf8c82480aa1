"""From words to plugins: the registry of yamls, strict building, what plugins declare, cells and their identity, grids, the command line."""
