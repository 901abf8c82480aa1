"""One cell and many: runs, sweeps, launchers, limits, processes, progress, loggers."""
