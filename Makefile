# make demo: set up and run the default workflow. make test: set up and run every check. make bench: measure the speed.
# make docs: the documentation as a site, in results/site. make readme: the README, word for word, in a new environment.
# make chaos: kill a hundred workflows. make fuzz: hostile files for a long time.

PYTHON ?= python3
VENV ?= .venv
CORES ?= 2
INSTALLED := $(VENV)/.installed
RUN := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"

.PHONY: demo test check docs readme bench scaling accuracy format schema hashes chaos fuzz clean

demo: $(INSTALLED)
	$(RUN) sparse-sharing run --cores $(CORES)
	@echo
	@echo "For the commands above and your own files, activate the environment: source $(VENV)/bin/activate"
	@echo "Then: sparse-sharing init FILES..., sparse-sharing run mine.yaml (README.md, Train on your own files)"

test: $(INSTALLED) check
	$(RUN) pytest -q -n $(CORES)

check: $(INSTALLED)
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) snakefmt --check --compact-diff Snakefile workflow
	$(RUN) snakemake --lint

docs: $(INSTALLED)
	$(RUN) mkdocs build --strict

bench: $(INSTALLED)
	$(RUN) OMP_NUM_THREADS=1 python -m benchmarks $(if $(QUICK),--quick)

scaling: $(INSTALLED)
	$(RUN) OMP_NUM_THREADS=1 python -m benchmarks --scaling $(if $(QUICK),--quick)

accuracy: $(INSTALLED)
	$(RUN) OMP_NUM_THREADS=1 python -m benchmarks --accuracy $(if $(QUICK),--quick)

format: $(INSTALLED)
	$(RUN) ruff check --fix .
	$(RUN) ruff format .
	$(RUN) snakefmt Snakefile workflow

schema: $(INSTALLED)
	$(RUN) sparse-sharing schema > workflow/schemas/config.schema.json
	$(RUN) sparse-sharing reference > docs/reference.md

hashes:
	uv pip compile --quiet --universal --no-deps --generate-hashes --no-header --no-annotate --no-emit-package torch \
		--python-version 3.11.5 constraints.txt --output-file hashes.txt > /dev/null

readme: $(INSTALLED)
	$(RUN) SPARSE_SHARING_README=1 pytest -q tests/workflow/test_readme.py

chaos: $(INSTALLED)
	$(RUN) SPARSE_SHARING_CHAOS=$(or $(KILLS),100),$(or $(SEED),1) pytest -q -s tests/workflow/test_chaos.py

fuzz: $(INSTALLED)
	$(RUN) pytest -q tests/fuzz --hypothesis-profile long

clean:
	rm -rf $(VENV) results .snakemake

$(INSTALLED): pyproject.toml constraints.txt hashes.txt
	$(PYTHON) -m venv $(VENV) || { echo "On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(VENV)/bin/pip install --quiet --require-hashes --requirement hashes.txt
	$(VENV)/bin/pip install --quiet --constraint constraints.txt --editable ".[cluster,kubernetes,dev]"
	touch $@
