"""The keys of each way of sharing, one file each; all files in this folder are registered."""
