"""`snakemake --lint` without one check: that every rule should name a conda environment or a container.

All rules run in the environment that Snakemake itself runs in, as README.md sets it up; an environment for each rule
would be another copy of the package and of torch.
"""

import sys

from snakemake.cli import main
from snakemake.linting.rules import RuleLinter

if __name__ == "__main__":
    del RuleLinter.lint_missing_software_definition
    main(["--lint", *sys.argv[1:]])
