"""A user's own code: one optional file a competition, ``src/competitions/<name>.py``.

``load`` gives it, each other module is one function that it may define: what that gets, and the
check of what it returns.
"""

from podium.io.usercode.load import UserCode, load

__all__ = ["UserCode", "load"]
