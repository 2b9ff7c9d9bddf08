"""A network: an encoder, heads, and how a trained one is stored."""
