"""Verdicts: strict words, what they come to in plain ones, and READMEs that show the lines as they are said."""

import re
from pathlib import Path

import pytest
from ml_skeleton.artifacts.evaluations import Figure, Gain
from ml_skeleton_evaluate.verdict import verdict_in

ROOT = Path(__file__).resolve().parents[2]
NUMBER = r"([+-]?\d\.\d\d)"
INTERVAL = rf"{NUMBER} \({NUMBER} to {NUMBER}\)"
PAGES = [ROOT / "README.md", ROOT / "tools/evaluate/README.md"]


def said(gain, over_deaf):
    return verdict_in({"spearman": Figure(0.75, 0.61, 0.84)}, gain, over_deaf, 123)


def test_a_gain_over_all_others_is_a_plain_line():
    gain = Gain("genre", 0.26, 0.1, 0.4)

    assert said(gain, gain) == ("rank correlation 0.75 (0.61 to 0.84), gain +0.26 (0.10 to 0.40) over genre, 123 songs")


def test_a_sound_that_counts_is_told_from_an_encoder_that_learned_nothing_new():
    assert said(Gain("random-1", 0.03, -0.02, 0.09), Gain("genre", 0.26, 0.1, 0.4)) == (
        "no audio signal shown: rank correlation 0.75 (0.61 to 0.84), gain +0.03 (-0.02 to 0.09) over random-1, "
        "123 songs; listening tells more than tags and means for certain (+0.26 (0.10 to 0.40) over genre), "
        "but training adds nothing certain to random-1, which has learned nothing"
    )


@pytest.mark.parametrize(
    ("gain", "plain"),
    [
        (Gain("genre", 0.1, -0.1, 0.3), "; listening is not certain to tell more than tags and means"),
        (
            Gain("random-1", 0.03, -0.02, 0.09),
            "; listening is not certain to tell more than tags and means (+0.10 (-0.10 to 0.30) over genre)",
        ),
    ],
)
def test_a_sound_that_may_not_count_is_said_to_be_uncertain(gain, plain):
    assert said(gain, Gain("genre", 0.1, -0.1, 0.3)).endswith(plain)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_lines_that_a_page_shows_are_the_ones_that_are_said(page):
    lines = re.findall(r"(?:no audio signal shown: )?rank correlation \S+ \(.*", page.read_text(encoding="utf-8"))

    assert len(lines) >= 1
    for line in lines:
        gain = re.search(rf"gain {INTERVAL} over ([^,]+), (\d+) songs", line)
        deaf = re.search(rf"\({INTERVAL} over ([^)]+)\)", line)
        own = Figure(*map(float, re.search(rf"rank correlation {INTERVAL}", line).groups()))
        over = gain_of(gain)
        shown = verdict_in({"spearman": own}, over, gain_of(deaf) if deaf else over, int(gain[5]))
        assert shown == line


def gain_of(found: re.Match) -> Gain:
    return Gain(found[4], *map(float, found.groups()[:3]))
