"""Runs `snakemake --lint` without the check that every rule names a conda environment or a container.

All rules run in the environment of Snakemake itself, as set up in README.md; an environment for each rule would be
another copy of the package and of torch.
"""

import sys

from snakemake.cli import main
from snakemake.linting.rules import RuleLinter

if __name__ == "__main__":
    del RuleLinter.lint_missing_software_definition
    main(["--lint", *sys.argv[1:]])
