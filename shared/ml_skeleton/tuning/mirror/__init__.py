"""The mirror: a process that copies a study's folder into MLflow while its trials run."""
