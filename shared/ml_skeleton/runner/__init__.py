"""Running experiments: one training, or a search over its hyperparameters."""
