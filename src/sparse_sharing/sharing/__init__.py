"""Ways of sharing: what each task keeps of the network, one file each."""
