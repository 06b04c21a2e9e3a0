"""Losses: what counts, what does not, and what is drawn together."""

import pytest
import torch
from ml_skeleton.errors import UsageError
from ml_skeleton.music.losses import (
    Labels,
    MetadataContrastiveLoss,
    NTXentLoss,
    SupervisedContrastiveLoss,
    build_loss,
)
from ml_skeleton.music.losses.contrastive import contrastive
from ml_skeleton.music.objectives import PARTS, PRESETS, loss_weights, uses_unrated

NAN = float("nan")
D = 8


def new_labels(size=4, **known):
    """Return labels of `size` windows, each of a song of its own, nothing known but what is named."""
    groups = {name: torch.zeros(size, 2) for name in ("albums", "artists", "playlists", "genres")}
    nothing = {"rating": torch.full((size,), NAN), "year": torch.full((size,), NAN), "song": torch.arange(size)}
    return Labels(**{**groups, **nothing, **{name: torch.tensor(value) for name, value in known.items()}})


def new_loss(weights, seed=0):
    torch.manual_seed(seed)
    return build_loss(weights, D, albums=2, mean_rating=0.5)


@pytest.fixture
def embeddings():
    return torch.randn(4, D, generator=torch.Generator().manual_seed(1)).requires_grad_()


def test_unrated_songs_do_not_move_the_rating_loss(embeddings):
    loss = new_loss({"rating": 1.0})

    rated = loss(embeddings[:2], new_labels(2, rating=[0.2, 0.8]))["rating"]
    mixed = loss(embeddings, new_labels(rating=[0.2, 0.8, NAN, NAN]))["rating"]

    torch.testing.assert_close(rated, mixed)


def test_a_batch_of_which_nothing_is_known_costs_nothing_and_breaks_no_gradient(embeddings):
    parts = new_loss(dict.fromkeys(PARTS, 1.0))(embeddings, new_labels())
    torch.stack(list(parts.values())).sum().backward()

    assert ({name: float(part.detach()) for name, part in parts.items()}) == dict.fromkeys(PARTS, 0.0)
    assert torch.isfinite(embeddings.grad).all()


def test_a_song_on_two_albums_costs_the_mean_of_both(embeddings):
    loss = new_loss({"album": 1.0})
    one, other, both = (
        loss(embeddings[:1], new_labels(1, albums=[albums]))["album"] for albums in ([1.0, 0.0], [0.0, 1.0], [1.0, 1.0])
    )

    torch.testing.assert_close(both, (one + other) / 2)


def test_the_rating_head_starts_at_the_mean_rating():
    loss = build_loss({"rating": 1.0}, D, albums=0, mean_rating=0.7)
    torch.nn.init.zeros_(loss.rating.head.linear.weight)

    torch.testing.assert_close(loss.predict(torch.randn(2, D)), torch.full((2,), 0.7))


def test_without_weight_the_rating_is_learned_but_the_encoder_does_not_feel_it(embeddings):
    loss = new_loss({"windows": 1.0})
    parts = loss(embeddings, new_labels(rating=[0.1, 0.9, 0.5, 0.2]))

    parts["rating"].backward()

    assert loss.rating.head.linear.weight.grad.any()
    assert embeddings.grad is None


def test_a_weight_scales_its_part_alone(embeddings):
    labels = new_labels(rating=[0.1, 0.9, 0.5, 0.2], song=[0, 0, 1, 1])
    once, twice = (new_loss({"rating": 1.0, "windows": w})(embeddings, labels) for w in (1.0, 2.0))

    torch.testing.assert_close(twice["windows"], 2 * once["windows"])
    torch.testing.assert_close(twice["rating"], once["rating"])


def test_windows_of_a_song_that_lie_together_cost_less_than_windows_that_lie_apart():
    together = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    alike = NTXentLoss(D).alike(new_labels(song=[0, 0, 1, 1]))

    assert contrastive(together, alike, 0.1) < 1e-3
    assert contrastive(together[[0, 2, 1, 3]], alike, 0.1) > 5


def test_several_positives_are_averaged():
    """Three windows, each alike the two others and equally far: minus the logarithm of one half."""
    alike = torch.ones(3, 3)

    torch.testing.assert_close(contrastive(torch.eye(3), alike, 0.5), torch.log(torch.tensor(2.0)))


def test_a_window_that_nothing_is_like_does_not_count(embeddings):
    alike = torch.tensor([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]])
    windows = embeddings.detach()[:3]

    cost = contrastive(windows, alike, 0.1)

    similarity = torch.nn.functional.cosine_similarity(windows[:, None], windows[None], dim=2) / 0.1
    first, second = (
        similarity[i, others].logsumexp(0) - similarity[i, j] for i, j, others in ((0, 1, [1, 2]), (1, 0, [0, 2]))
    )
    torch.testing.assert_close(cost, (first + second) / 2)


def test_songs_that_share_album_and_artist_count_twice_as_much_as_those_that_share_one():
    loss = SupervisedContrastiveLoss(D, by=("albums", "artists"))
    labels = new_labels(3, albums=[[1.0, 0], [1, 0], [0, 1]], artists=[[1.0, 0], [1, 0], [1, 0]])

    torch.testing.assert_close(loss.alike(labels), torch.tensor([[1.0, 1, 0.5], [1, 1, 0.5], [0.5, 0.5, 1]]))


def test_songs_of_a_genre_are_alike_by_how_near_their_years_are():
    labels = new_labels(genres=[[1.0, 0], [1, 0], [1, 0], [0, 1]], year=[1990.0, 2000.0, NAN, 1990.0])

    alike = MetadataContrastiveLoss(D).alike(labels)

    torch.testing.assert_close(alike[0], torch.tensor([1.0, 0.3679, 1.0, 0.0]), atol=1e-4, rtol=0)


def test_every_preset_trains_and_every_part_of_it_has_a_name(embeddings):
    for preset in PRESETS:
        parts = new_loss(loss_weights(preset, {}))(embeddings, new_labels())

        assert parts.keys() == {*PRESETS[preset], "rating"} <= PARTS.keys()


def test_a_weight_of_0_leaves_a_part_out():
    weights = loss_weights("multitask", {"album": 0.0, "same_artist": 0.5})

    assert "album" not in weights and weights["same_artist"] == 0.5


def test_only_the_rating_alone_needs_no_unrated_songs():
    assert [uses_unrated(loss_weights(preset, {})) for preset in ("multitask", "rating")] == [True, False]


def test_a_loss_with_nothing_to_learn_is_refused():
    with pytest.raises(UsageError, match="leave at least one part"):
        loss_weights("rating", {"rating": 0.0})
