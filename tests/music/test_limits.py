"""Limits on figures: what is no limit, or on no figure, is refused before anything is done."""

import pytest
from ml_skeleton.errors import UsageError
from ml_skeleton.music.limits import limits_of, refuse_unknown


@pytest.mark.parametrize("text", ["spearman", "spearman=", "spearman=high", "=0.2", "spearman=nan"])
def test_a_limit_is_a_figure_and_a_number(text):
    with pytest.raises(UsageError, match="expected FIGURE=NUMBER such as --min spearman="):
        limits_of("--min", [text])


def test_a_limit_on_no_figure_names_those_that_may_be_meant():
    with pytest.raises(UsageError, match=r"--min new_albums\.spearman: no such figure; did you mean new_album"):
        refuse_unknown("--min", {"new_albums.spearman": 0.2}, ["new_album.spearman", "spearman", "covered"])
