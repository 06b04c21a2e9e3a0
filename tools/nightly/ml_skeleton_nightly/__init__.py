"""Runs the other tools every night."""
