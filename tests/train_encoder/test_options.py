"""Options that hold several numbers: what is not said stays as usual, what is misspelt is said."""

import pytest
from ml_skeleton.errors import UsageError
from ml_skeleton.music.objectives import AUGMENTATIONS, PRESETS
from ml_skeleton_train_encoder.options import augmentations, weights_of_loss


def test_what_is_not_named_keeps_its_weight():
    assert weights_of_loss("multitask", "album=0.5, same-artist=0.1") == {
        **PRESETS["multitask"],
        "album": 0.5,
        "same_artist": 0.1,
    }


def test_an_augmentation_at_0_is_off_and_none_turns_all_off():
    usual = {name: share for name, share in AUGMENTATIONS.items() if share and name != "time-mask"}

    assert augmentations("pitch=0.2,time_mask=0") == {**usual, "pitch": 0.2}
    assert augmentations("none") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("albun=0.1", "--loss-weights albun=0.1: unknown name 'albun'; did you mean album?"),
        ("xyz=1", "known are rating, album"),
        ("album", "'' is no number; expected NAME=NUMBER"),
        ("album=much", "'much' is no number"),
        ("album=-1", "expected a number from 0"),
        ("album=nan", "expected a number from 0 on"),
        ("album=inf", "expected a number from 0 on"),
    ],
)
def test_what_is_no_weight_is_one_line(text, message):
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        weights_of_loss("multitask", text)


def test_a_share_is_at_most_1():
    with pytest.raises(UsageError, match="--augment gain=2: expected a number from 0 to 1"):
        augmentations("gain=2")
