"""Records of stages: what names a job, and which stage a path is about."""

import pytest

from sparse_sharing.cli.stages import app
from sparse_sharing.pipeline.artefact import ARTEFACTS, FORMATS
from sparse_sharing.pipeline.stage import STAGE, STAGES


def test_a_job_is_named_by_what_its_folder_is_named_by():
    assert STAGE["prune"].identity == ("dataset", "seed", "start", "task")
    assert STAGE["evaluate"].identity == ("dataset", "seed", "system", "model")
    assert STAGE["tables"].identity == ()


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        ("joint/data", "prepare"),
        ("train/data", "prepare"),
        ("train/data/tags/ner", "prepare_task"),
        ("prune/seed1/warmup/weights", "warmup"),
        ("train/seed1/warmup/prune/ner", "prune"),
        ("joint/seed1/warmup/prune/ner/again", "prune_again"),
        ("evaluate/seed12/train/hard/shared", "train"),
        ("joint/seed1/train/larger/shared/add_task", "add_task"),
        ("train/seed1/evaluate/prune/shared", "evaluate"),
        ("joint/seedling/warmup/weights", None),
        ("joint/seed1/warmup", None),
    ],
)
def test_a_path_is_about_one_stage_whatever_datasets_and_systems_are_called(path, stage):
    found = [record.name for record in STAGES if record.identity_in(path) is not None]
    assert found == ([stage] if stage else [])


def test_what_names_a_job_is_read_back_from_its_path():
    assert STAGE["prune"].identity_in("joint/seed3/initial/prune/ner") == {
        "dataset": "joint",
        "seed": "3",
        "start": "initial",
        "task": "ner",
    }


def test_every_stage_has_a_command_and_every_command_of_a_stage_has_a_record():
    assert {command.callback.__name__ for command in app.registered_commands} == {
        stage.command or stage.name for stage in STAGES
    }


def test_outputs_of_a_stage_have_names_and_files_of_their_own_and_a_carrier_is_one_of_them():
    for stage in STAGES:
        assert len({output.name for output in stage.outputs}) == len(stage.outputs)
        assert len({output.file for output in stage.outputs}) == len(stage.outputs)
        assert all(output.name.isidentifier() for output in stage.outputs)
        if stage.outputs and stage.carrier is not None:
            assert stage.carrier in stage.outputs
            assert stage.carrier.kind in FORMATS


def test_a_kind_has_one_version():
    versions = {}
    for artefact in ARTEFACTS:
        if artefact.kind is not None:
            assert versions.setdefault(artefact.kind, artefact.version) == artefact.version
