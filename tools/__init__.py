"""Programs for work on this project; no part of the installed package."""
