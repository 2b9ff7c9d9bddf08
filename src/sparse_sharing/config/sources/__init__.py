"""The keys of each source of masks, one file each; all files in this folder are registered."""
