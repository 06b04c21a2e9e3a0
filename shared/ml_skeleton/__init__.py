"""What the tools that learn a listener's taste have in common."""

__version__ = "0.1.0"
