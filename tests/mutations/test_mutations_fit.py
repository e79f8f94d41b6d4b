"""Every mutation fits the sources as they are, so that `make mutations` breaks what it says."""

import shutil
from pathlib import Path

import pytest

from mutations.check import ROOT
from mutations.mutation import Mutation, MutationError
from mutations.mutations import MUTATIONS


def copied(mutation: Mutation, tree: Path) -> None:
    for edit in mutation.edits:
        (tree / edit.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / edit.path, tree / edit.path)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_mutation_changes_sources_that_still_compile(mutation: Mutation, tmp_path: Path) -> None:
    copied(mutation, tmp_path)
    for edit in mutation.edits:
        edit.apply(tmp_path)
        source = (tmp_path / edit.path).read_text()
        compile(source, edit.path, "exec")
        assert source != (ROOT / edit.path).read_text()
    assert (ROOT / mutation.tests).is_file()


def test_passage_that_is_gone_is_told(tmp_path: Path) -> None:
    mutation = MUTATIONS[0]
    copied(mutation, tmp_path)
    mutation.edits[0].apply(tmp_path)
    with pytest.raises(MutationError, match="0 times instead of once"):
        mutation.edits[0].apply(tmp_path)
