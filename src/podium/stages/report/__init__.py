"""Stage report: one page a competition, the files of its plots, and the table at the end of a run.

``command.py`` has the steps; each section of the page is a file.
"""

from podium.stages.report.command import report

__all__ = ["report"]
