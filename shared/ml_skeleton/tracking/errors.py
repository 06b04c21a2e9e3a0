"""What can go wrong with a tracking server; never a reason to stop a study."""


class TrackingError(Exception):
    """The server does not answer or refuses; the message says which, in one line."""


class Refused(TrackingError):
    """The server answers and does not take this, now or later."""
