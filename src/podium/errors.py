"""The one kind of error that a user is meant to read."""


class PodiumError(Exception):
    """Something the user can mend: one line that says what, where and what to do.

    The command line prints it without a traceback and exits with code 2.
    """
