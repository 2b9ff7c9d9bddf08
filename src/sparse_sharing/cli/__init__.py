"""The command line: one sub-command per stage of the workflow, and what a user needs besides.

Exit codes: 0 done; 1 the program's fault; 2 wrong option or configuration; 3 wrong data; 4 an earlier stage's file is
missing, damaged or made under other settings; 5 training cannot go on; 6 a file cannot be written; 7 a file cannot be
fetched; 8 the memory does not suffice; 130 interrupted.
"""

from sparse_sharing.cli.program import app, main

__all__ = ["app", "main"]
