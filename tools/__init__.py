"""Programs for developing this project; they are not part of the installed package."""
