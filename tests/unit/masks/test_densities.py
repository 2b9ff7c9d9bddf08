"""What `masks show` counts in the bits of a file is what the masks themselves say."""

import subprocess
import sys

import pytest
from tiny import network_of, random_mask

from sparse_sharing.errors import ConfigError
from sparse_sharing.inspection.mask_files import MaskSpec, read_masks, write_selection
from sparse_sharing.masks.densities import densities
from sparse_sharing.stages.select import layer_densities


@pytest.fixture
def selection(tmp_path):
    """A selection of masks for two tasks."""
    network, path = network_of(), tmp_path / "selection.safetensors"
    masks = {"pos": random_mask(network, 0.5, 1), "ner": random_mask(network, 0.3, 2)}
    write_selection(path, masks, MaskSpec(operation="test", sources=[]))
    return path


def test_densities_are_those_of_the_masks(selection):
    masks = read_masks(str(selection)).masks
    found = densities(str(selection))
    assert list(found) == list(masks)
    for name, mask in masks.items():
        assert (found[name].kept, found[name].density) == (mask.kept, pytest.approx(mask.density))
        assert found[name].layers == pytest.approx(layer_densities(mask))


def test_one_mask_of_a_file_is_shown_by_its_name(selection):
    name = next(iter(densities(str(selection))))
    assert list(densities(f"{selection}:{name}")) == [name]
    with pytest.raises(ConfigError, match="holds no mask 'x', only"):
        densities(f"{selection}:x")


def test_masks_are_shown_without_torch(selection):
    code = (
        "import sys; from sparse_sharing.cli import app; app(sys.argv[1:], standalone_mode=False); "
        "assert not {'torch', 'pandas', 'rich', 'vl_convert', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, "masks", "show", str(selection)], check=True, capture_output=True)
