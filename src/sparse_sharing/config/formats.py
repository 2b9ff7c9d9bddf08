"""How configurations spell tag schemes and file formats. Imports nothing, so that taggers can read it too."""

from typing import Literal

ModelScheme = Literal["none", "iob1", "iob2", "bioes"]
"""`none` is one independent tag per token (parts of speech, say); the others write spans."""

Scheme = Literal["none", "iob1", "iob2", "bioes", "bilou", "bmes", "bmewo"]
"""The schemes of files. BILOU, BMES and BMEWO are BIOES with other letters; a model learns BIOES in their place."""

Format = Literal["columns", "conll2012", "conllu", "jsonl", "spans"]

MISC, COLUMN = "misc:", "column:"
"""How a layer of CoNLL-U begins that a file names: a key of MISC, or a column of CoNLL-U Plus."""
