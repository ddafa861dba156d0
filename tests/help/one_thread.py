"""One thread a process: tests run beside each other, one process a core.

Libraries read the variable when they are imported, so this module comes first. Tests of threads
set their own.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
