"""The order of the code: imports point one way, the workflow loads little of it, nothing is unpickled or evaluated."""

import ast
import graphlib
import re
import subprocess
import sys

import numpy as np
import pytest

from sparse_sharing.pipeline.spec import Spec
from sparse_sharing.storage.artifacts import save_tensors

LAYERS = [
    {"", "errors"},
    {"config"},
    {"pipeline"},
    {"storage"},
    {"terminal"},
    {"masks", "text"},
    {"encoders", "heads"},
    {"network"},
    {"evaluation"},
    {"sharing"},
    {"training"},
    {"results"},
    {"stages"},
    {"inspection", "tagging"},
    {"running", "serving"},
    {"cli", "__main__"},
]
LONGEST_FILE = 400
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "joblib", "marshal", "shelve", "cloudpickle", "snakemake"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "torch.load", "torch.save"}
FORBIDDEN_CALLS |= {"pd.read_pickle", "pandas.read_pickle", "yaml.unsafe_load", "yaml.full_load", "print"}


@pytest.fixture(scope="module")
def modules(repository):
    """The syntax tree of every module of the package, by its name below the package."""
    package = repository / "src" / "sparse_sharing"
    trees = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        trees[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    # These packages name what they offer for type checkers; they import each of these only when it is used.
    for name in ("", "config", "pipeline"):
        trees[name].body = [node for node in trees[name].body if not is_for_type_checkers(node)]
    return trees


def is_for_type_checkers(node):
    """Whether a statement is a block that only type checkers read."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imported(tree):
    """The modules that a tree imports, also inside functions; names imported from a module follow after a dot."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def own_imports(tree, modules):
    """The modules of this package that a tree imports."""
    found = set()
    for name in imported(tree):
        parts = name.split(".")
        if parts[0] == "sparse_sharing":
            below = ".".join(parts[1:])
            found.add(below if below in modules else ".".join(parts[1:-1]))
    return found


def layer(module):
    """The number of the layer that a module belongs to."""
    top = module.split(".")[0]
    return next(number for number, names in enumerate(LAYERS) if top in names)


def test_every_module_has_a_layer_and_imports_point_to_its_own_or_an_earlier_one(modules):
    wrong = [
        f"{module} imports {other}"
        for module, tree in modules.items()
        for other in own_imports(tree, modules)
        if layer(other) > layer(module)
    ]
    assert len(modules) > 30
    assert not wrong


def test_no_module_imports_itself_in_a_circle(modules):
    graph = {module: own_imports(tree, modules) - {module} for module, tree in modules.items()}
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert (
        order.index("config.schema")
        < order.index("storage.artifacts")
        < order.index("stages.train")
        < order.index("cli.stages")
    )


def test_text_and_masks_do_not_know_networks_and_no_stage_but_tables_and_report_knows_the_tables(modules):
    for module, tree in modules.items():
        others = {name.split(".")[0] for name in own_imports(tree, modules)}
        if module.startswith(("text", "masks")):
            assert not {"encoders", "heads", "network"} & others, module
        if module.startswith("stages.") and module not in ("stages.tables", "stages.report"):
            assert "results.tables" not in {".".join(name.split(".")[:2]) for name in own_imports(tree, modules)}, (
                module
            )


def test_nothing_imports_snakemake_or_unpickles(modules):
    for module, tree in modules.items():
        assert not FORBIDDEN_MODULES & {name.split(".")[0] for name in imported(tree)}, module


def test_nothing_is_evaluated_run_in_a_shell_printed_or_loaded_by_torch(modules):
    for module, tree in modules.items():
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        assert not FORBIDDEN_CALLS & {ast.unparse(call.func) for call in calls}, module
        assert not [word for call in calls for word in call.keywords if word.arg in {"shell", "allow_pickle"}], module


def test_no_check_of_the_program_is_a_bare_assert(modules):
    found = [module for module, tree in modules.items() if any(isinstance(node, ast.Assert) for node in ast.walk(tree))]
    assert not found


def test_no_file_is_too_long(repository):
    for path in (repository / "src").rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE, path.name


def test_rule_files_import_only_the_configuration_its_errors_its_spec_files_and_the_last_words_of_a_run(repository):
    paths = [repository / "Snakefile", *(repository / "workflow").rglob("*.smk")]
    statement = re.compile(r"^\s*(?:from\s+(\S+)\s+import|import\s+(\S+))", re.MULTILINE)
    found = {name for path in paths for match in statement.findall(path.read_text(encoding="utf-8")) for name in match}
    found -= {""}
    own = {name for name in found if name.startswith("sparse_sharing")}
    configuration = {"sparse_sharing.config", "sparse_sharing.pipeline", "sparse_sharing.pipeline.stage"}
    others = {"sparse_sharing.errors", "sparse_sharing.storage.spec_files", "sparse_sharing.running.summary"}
    assert own == configuration | others
    assert {name.split(".")[0] for name in found - own} <= sys.stdlib_module_names | {"snakemake"}


def loaded_after(statement):
    """The top-level modules in a fresh Python after a statement, and how much longer it took than pydantic and YAML."""
    code = f"""
import sys, time
start = time.process_time()
import pydantic, yaml
loaded = time.process_time()
{statement}
sys.stdout.write(' '.join([str((time.process_time() - loaded) / (loaded - start)), *sys.modules]))
"""
    ratio, *names = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    return {name.split(".")[0] for name in names}, float(ratio)


def test_the_configuration_loads_fast_and_without_the_heavy_libraries():
    # Compared with two imports of the same process, so that a slow or busy machine changes nothing.
    runs = [loaded_after("import sparse_sharing.config") for _ in range(3)]
    heavy = {"torch", "pandas", "numpy", "snakemake", "safetensors", "rich", "typer", "seqeval"}
    assert not heavy & runs[0][0]
    assert min(ratio for _, ratio in runs) < 8


@pytest.mark.slow
@pytest.mark.parametrize(
    "module",
    ["results.tables", "results.figures", "evaluation.statistics", "stages.tables", "stages.figures", "cli"],
)
def test_tables_and_the_command_line_load_without_torch(module):
    names, _ = loaded_after(f"import sparse_sharing.{module}")
    assert "sparse_sharing" in names
    assert "torch" not in names


HEAVY = {"rich", "torch", "pandas", "snakemake", "vl_convert", "scipy", "onnx", "onnxruntime", "transformers"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--help"], {"numpy", "yaml", "pydantic.main", "sparse_sharing.config"}),
        (["spec", "demo", "--config", "config.yaml"], {"numpy"}),
        (["status", "config.yaml"], {"numpy"}),
        (["why", "results/demo/report.html"], {"numpy"}),
        (["masks", "show", "{folder}/masks.safetensors"], {"yaml", "sparse_sharing.config.schema"}),
        (["init", "{folder}/train.txt", "{folder}/test.txt", "--output", "{folder}/mine.yaml"], set()),
        (["validate", "--no-estimate"], set()),
    ],
)
def test_a_command_loads_no_library_that_it_does_not_need(repository, tmp_path, arguments, heavy):
    bits, shapes = {"pos": np.zeros(1, np.uint8)}, {"shapes": [["a", [8]]]}
    save_tensors(tmp_path / "masks.safetensors", "selection", Spec(), bits, shapes)
    for split in ("train", "test"):
        (tmp_path / f"{split}.txt").write_text("Ann N\nruns V\n\nBo N\nsees V\n")
    code = (
        "import sys; from sparse_sharing.cli import app; app(sys.argv[1:], standalone_mode=False); "
        "sys.stderr.write(' '.join(sys.modules))"
    )
    command = [sys.executable, "-c", code, *(argument.format(folder=tmp_path) for argument in arguments)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not (HEAVY | heavy) & set(done.stderr.split())
