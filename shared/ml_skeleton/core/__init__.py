"""The contract of the experiment framework: what a training function gets and gives, and its configuration."""
