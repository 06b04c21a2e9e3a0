"""Tracking: runs, parameters and metrics in MLflow."""
