"""The command line: one sub-command per stage of the workflow, and commands on data, runs and models.

Exit codes: 0 success; 1 bug in the program; 2 wrong option or configuration; 3 wrong data; 4 an earlier stage's file is
missing, damaged or made with other settings; 5 training cannot continue; 6 a file cannot be written; 7 a file cannot be
downloaded; 8 out of memory; 130 interrupted.
"""

from sparse_sharing.cli.program import app, main

__all__ = ["app", "main"]
