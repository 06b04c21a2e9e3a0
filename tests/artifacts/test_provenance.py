"""Provenance: what an artifact says about itself survives the way to disk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml_skeleton.artifacts.provenance import Parent, Provenance, parse_provenance
from ml_skeleton.errors import InputError

JSON_VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())
PARENTS = st.builds(Parent, st.text(), st.text(), st.text(), st.none() | st.text())


@given(st.dictionaries(st.text(), JSON_VALUES), st.none() | st.integers(), st.lists(PARENTS).map(tuple))
def test_provenance_comes_back_as_it_was(tmp_path_factory, settings, seed, parents):
    provenance = Provenance("crops", 1, "clem-extract", settings, seed, parents)

    assert parse_provenance(provenance.to_json(), tmp_path_factory.getbasetemp()) == provenance


@pytest.mark.parametrize("text", [None, "", "{", "[]", "3", '{"kind": "crops"}', '{"parents": [{"path": 1}]}'])
def test_anything_else_is_refused_by_the_name_of_its_file(tmp_path, text):
    with pytest.raises(InputError, match="carries no provenance, so it was not written by these tools"):
        parse_provenance(text, tmp_path / "file")
