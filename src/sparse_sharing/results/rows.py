"""The rows of a table as mappings."""

from typing import Any, cast

import pandas as pd


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Each row of a table by column; the names of its columns are text."""
    return cast(list[dict[str, Any]], frame.to_dict("records"))


def distinct(values: pd.Series) -> list[str]:
    """The distinct names in a column, in order of first occurrence."""
    return [str(value) for value in dict.fromkeys(values)]
