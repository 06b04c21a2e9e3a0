"""Songs as models see them: recordings, splits, encoders, classifiers, losses and scores."""
