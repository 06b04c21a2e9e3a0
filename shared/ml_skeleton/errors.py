"""The errors that a person sees as one line: what, where, found against expected, what to do next.

Each carries the exit code that the command ends with, so that cron and shell
scripts can tell the cases apart. Anything else that escapes is a bug and keeps
its traceback.
"""

OK = 0
CANNOT = 1
WRONG_USAGE = 2
NO_INPUT = 3
BUSY = 75  # EX_TEMPFAIL of sysexits.h: try again later
INTERRUPTED = 130
TERMINATED = 143


class UserError(Exception):
    """The command cannot do what was asked."""

    exit_code = CANNOT


class UsageError(UserError):
    """The command line or the configuration file asks for something that does not exist."""

    exit_code = WRONG_USAGE


class InputError(UserError):
    """The input is missing, empty, damaged or of another kind than the command reads."""

    exit_code = NO_INPUT


class BusyError(UserError):
    """Another run holds the lock."""

    exit_code = BUSY
