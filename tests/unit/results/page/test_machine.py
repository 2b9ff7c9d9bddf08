"""The page names the hardware by its model."""

import platform

from sparse_sharing.results.page.machine import processor


def test_the_processor_is_named_by_its_model(tmp_path):
    source = tmp_path / "cpuinfo"
    source.write_text("processor\t: 0\nmodel name\t: Some Model @ 2 GHz\nmodel name\t: Other\n")
    assert processor(source) == "Some Model @ 2 GHz"


def test_without_a_model_it_is_named_by_its_architecture(tmp_path):
    assert processor(tmp_path / "missing") == platform.machine()
