# make demo: set up and run the default workflow. make test: set up and run every check. make bench: measure the speed.
# make quick: lint and the fast tests, in under two minutes. make coverage: show which lines the tests run.
# make check: check format, lint and types. make types: check only the types.
# make dependencies: pin the versions of the packages that pyproject.toml requires.
# make calibrate: measure false verdicts and power of the tests between systems, and write them to docs/statistics.md.
# make docs: build the documentation as a site, in results/site.
# make readme: run the commands of the README, word for word, and the installed wheel, in new environments.
# make chaos: kill a hundred workflows. make fuzz: test hostile files for a long time.

PYTHON ?= python3
VENV ?= .venv
CORES ?= 2
INSTALLED := $(VENV)/.installed
RUN := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"

.PHONY: demo test quick check types coverage docs readme bench scaling accuracy calibrate format generated dependencies chaos fuzz clean

demo: $(INSTALLED)
	$(RUN) sparse-sharing run --cores $(CORES)
	@echo
	@echo "For the commands above and your own files, activate the environment: source $(VENV)/bin/activate"
	@echo "Then: sparse-sharing init FILES..., sparse-sharing run mine.yaml (README.md, Train on your own files)"

# One worker more than cores: some tests only wait, for a cluster or a process.
test: $(INSTALLED) check
	$(RUN) pytest -q -n $$(($(CORES) + 1)) --dist worksteal

quick: $(INSTALLED)
	$(RUN) ruff check .
	$(RUN) pytest -q -n $(CORES) --dist worksteal -m "not slow" --hypothesis-profile quick tests/unit

check: $(INSTALLED)
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) python -m tools.check_types
	$(RUN) snakefmt --check --compact-diff Snakefile workflow
	$(RUN) python -m tools.lint

types: $(INSTALLED)
	$(RUN) python -m tools.check_types

coverage: $(INSTALLED)
	$(RUN) pytest -q -n $(CORES) --cov --cov-report=term-missing:skip-covered $(or $(TESTS),tests)

docs: $(INSTALLED)
	$(RUN) mkdocs build --strict

bench: $(INSTALLED)
	$(RUN) OMP_NUM_THREADS=1 python -m benchmarks $(if $(QUICK),--quick)

scaling: $(INSTALLED)
	$(RUN) OMP_NUM_THREADS=1 python -m benchmarks --scaling $(if $(QUICK),--quick)

accuracy: $(INSTALLED)
	$(RUN) OMP_NUM_THREADS=1 python -m benchmarks --accuracy $(if $(QUICK),--quick) $(if $(SEED),--seed $(SEED))

calibrate: $(INSTALLED)
	$(RUN) OMP_NUM_THREADS=1 python -m benchmarks.calibration $(if $(QUICK),--runs 500 --real-runs 40)

format: $(INSTALLED)
	$(RUN) ruff check --fix .
	$(RUN) ruff format .
	$(RUN) snakefmt Snakefile workflow

generated: $(INSTALLED)
	$(RUN) sparse-sharing schema > workflow/schemas/config.schema.json
	$(RUN) sparse-sharing reference > docs/reference.md
	$(RUN) python -m sparse_sharing.pipeline.documentation
	$(RUN) python -m tools.api > docs/api.md

# Set up only if uv is missing, because the set-up installs from the files that this target makes.
dependencies: $(if $(shell $(RUN) sh -c 'command -v uv'),,$(INSTALLED))
	$(RUN) python3 -m tools.dependencies $(OPTIONS)

readme: $(INSTALLED)
	$(RUN) SPARSE_SHARING_README=1 pytest -q tests/workflow/test_readme.py tests/workflow/test_wheel.py

chaos: $(INSTALLED)
	$(RUN) SPARSE_SHARING_CHAOS=$(or $(KILLS),100),$(or $(SEED),1) pytest -q -s tests/workflow/test_chaos.py

fuzz: $(INSTALLED)
	$(RUN) pytest -q tests/fuzz --hypothesis-profile long

clean:
	rm -rf $(VENV) results .snakemake

$(INSTALLED): pyproject.toml constraints.txt hashes.txt
	$(PYTHON) -m venv $(VENV) || { echo "On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	# --no-deps: the file has every package, and pip does not find the pin of a package required with an extra.
	$(VENV)/bin/pip install --quiet --no-deps --require-hashes --requirement hashes.txt
	$(VENV)/bin/pip install --quiet --constraint constraints.txt --editable ".[cluster,kubernetes,dev]"
	touch $@
