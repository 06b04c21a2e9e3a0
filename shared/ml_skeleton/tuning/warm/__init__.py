"""Warm starts: a parent process with modules imported, which forks a child per trial."""
