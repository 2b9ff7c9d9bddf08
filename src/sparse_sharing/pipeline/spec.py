"""Specs: the settings of one job as canonical text, and the digest of that text."""

import functools
import hashlib
import json
from typing import Any, Self

from sparse_sharing.config.section import Section


class Spec(Section):
    """Base of the stage specs."""

    def canonical(self) -> str:
        """The spec as JSON with sorted keys and no spaces: equal specs give equal text.

        An option that is off by default and not used is left out, so that results stay valid when options are added.
        """
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=True)

    @functools.cached_property
    def _digest(self) -> str:
        return hashlib.sha256(self.canonical().encode()).hexdigest()[:16]

    def digest(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the canonical text."""
        return self._digest

    def model_copy(self, **options: Any) -> Self:
        """A copy, whose digest is computed again."""
        copy = super().model_copy(**options)
        vars(copy).pop("_digest", None)
        return copy
