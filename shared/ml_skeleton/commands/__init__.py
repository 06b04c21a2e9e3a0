"""Commands of `ml_skeleton`, a module for each kind; like cli.py they parse and delegate."""
