"""The tables of a run: one module for each, which builds it. `pipeline.tables` has the records of the same names."""
