"""The names of tag schemes and file formats. Imports nothing, so that taggers can import it."""

from typing import Literal

ModelScheme = Literal["none", "iob1", "iob2", "bioes"]
"""`none`: one independent tag per token, such as a part of speech; the others encode spans."""

Scheme = Literal["none", "iob1", "iob2", "bioes", "bilou", "bmes", "bmewo"]
"""The schemes of files. BILOU, BMES and BMEWO are BIOES with other letters; a model learns BIOES instead."""

Format = Literal["columns", "conll2012", "conllu", "jsonl", "spans"]

MISC, COLUMN = "misc:", "column:"
"""Prefixes of the CoNLL-U layers that a file names itself: a key of MISC, or a column of CoNLL-U Plus."""
