"""A process beside the training that brings its lines to the tracking server."""
