"""The keys of each way of sharing, one file each; all of them are found by their place here."""
