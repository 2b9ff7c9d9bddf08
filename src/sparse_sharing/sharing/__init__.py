"""Ways of sharing, one file each: the part of the network that each task keeps."""
