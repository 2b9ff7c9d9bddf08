"""`python -m sparse_sharing`: the command line."""

from sparse_sharing.cli import main

main()
