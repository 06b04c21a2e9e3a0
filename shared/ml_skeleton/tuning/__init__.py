"""Tuning: any command line as an objective."""
