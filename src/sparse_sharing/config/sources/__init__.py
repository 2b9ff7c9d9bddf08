"""The keys of each source of masks, one file each; all of them are found by their place here."""
