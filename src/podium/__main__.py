"""The ``podium`` command, also as ``python -m podium``.

A stage is handed to the process that has the libraries loaded, where there is one: before anything
is imported here.
"""

import sys

# ``python -m podium`` would import what lies in the working folder, a typing.py, before all else.
if __name__ == "__main__" and not sys.flags.safe_path:
    del sys.path[0]


def main() -> None:
    """Run the command."""
    from podium.runtime.warm import client

    client.run(sys.argv[1:])
    from podium.cli import main as run

    run()


if __name__ == "__main__":
    main()
