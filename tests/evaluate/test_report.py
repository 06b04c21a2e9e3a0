"""evaluation.html: all figures of evaluation.json as a page that asks for nothing and runs nobody else's script."""

import re
from dataclasses import replace

import numpy as np
import pytest
from ml_skeleton.artifacts.evaluations import (
    FORMAT,
    Comparison,
    Evaluation,
    Figure,
    Gain,
    Learned,
    Measured,
    Prediction,
    Situation,
)
from ml_skeleton.artifacts.provenance import Parent, Provenance
from ml_skeleton.music.scores import FIGURES
from ml_skeleton_evaluate.report.drawing import Scale
from ml_skeleton_evaluate.report.measures import calibration, confusion, coverage, error_by_known, misses_by_album
from ml_skeleton_evaluate.report.page import html_of, write_page

EVIL = "</title><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> & é 🎵"


def prediction(number, true=0.6, said=0.6, **changes):
    fields = {
        "audio_id": f"{number:02d}",
        "song": f"Song {number}",
        "album": f"Artist|||Album {number // 4}",
        "true": true,
        "predicted": {"new album": said, "new song": said},
        "low": said - 0.1,
        "high": said + 0.1,
        "known": number % 5,
    }
    return Prediction(**{**fields, **changes})


def evaluation(songs=60, name="", undefined=False):
    """Return an evaluation of two versions, all texts that a listener or a file could name ending in `name`."""
    random = np.random.default_rng(0)
    predictions = [
        prediction(
            n, float(true), float(np.clip(true + noise, 0, 1)), song=f"Song {n}{name}", album=f"A|||B {n // 4}{name}"
        )
        for n, (true, noise) in enumerate(
            zip(random.random(songs).round(1), 0.1 * random.standard_normal(songs), strict=True)
        )
    ]
    figures = dict.fromkeys(FIGURES, Figure(None) if undefined else Figure(0.5, 0.3, 0.7))
    gain = Gain(f"random-1{name}", 0.1, -0.1, 0.2)
    methods = {"model": figures, "genre": figures, "global mean": {**figures, "spearman": Figure(None)}}
    situation = Situation(songs, methods, gain, f"no audio signal shown: as said{name}", gain)
    measured = Measured(
        version=f"v1{name}",
        situations={"new song": situation, "new album": situation},
        leakage=Figure(0.12, -0.1, 0.3),
        covered={"0.5": 0.5, "0.8": 0.82},
        learning=[Learned(share, int(share * 40), figures) for share in (0.25, 0.5, 1.0)],
        space={"unreachable": 0.1, "album_map": None},
        predictions=predictions,
        verdict="",
    )
    made = Provenance(
        "evaluation",
        FORMAT,
        "evaluate",
        {"classifier": {"model": f"gp{name}"}},
        42,
        (Parent("embeddings", f"/store{name}", "f", f"v1{name}"),),
    )
    comparison = Comparison(f"v1{name}", f"v2{name}", {"new album": figures}, 0.5, 0.3, 100, f"better{name}")
    second = replace(measured, version=f"v2{name}")
    return Evaluation(
        made,
        "p",
        90,
        songs,
        {"low_stars": 0.56, "high_stars": 0.82, "source": "films"},
        "",
        [measured, second],
        [comparison],
    )


def test_the_same_evaluation_gives_the_same_page_beside_evaluation_json(tmp_path):
    same = evaluation()
    path = write_page(tmp_path, same)
    first = path.read_bytes()
    write_page(tmp_path, same)

    assert (path, path.read_bytes()) == (tmp_path / "evaluation.html", first)


def test_verdicts_leakage_and_every_figure_of_every_method_are_on_the_page():
    page = html_of(evaluation())

    assert page.count("no audio signal shown: as said") == 2 * 2
    assert "0.12 (-0.10 to 0.30): rank correlation by ear" in page
    assert page.count("0.50 (0.30 to 0.70)</td>") >= 2 * 2 * (3 * len(FIGURES) - 1)


def test_every_picture_has_a_name_and_its_numbers():
    page = html_of(evaluation())

    drawn = re.findall(r'<figure><h4>(.*?)</h4><svg viewBox="\S+ \S+ \S+ \S+" role="img" aria-label="(.*?)">', page)
    assert len(drawn) == page.count("<svg") == page.count("<summary>Numbers</summary>") == 2 * 9 + 1
    assert all(title == label for title, label in drawn)


def test_what_a_file_names_is_text_on_the_page_and_nothing_else():
    page = html_of(evaluation(name=EVIL))

    assert "document.title=" in page
    assert "<script>document" not in page and "<img" not in page
    assert len(re.findall("<script", page)) == 1  # the theme's


@pytest.mark.parametrize("songs", [1, 5])
def test_a_few_songs_and_figures_that_do_not_exist_make_a_page(songs):
    page = html_of(evaluation(songs, undefined=True))

    assert "NaN" not in page and ">nan" not in page
    assert "–</td>" in page


def test_a_scale_has_round_ticks_and_ends_at_its_ends():
    scale = Scale(-0.13, 0.87, 100, 0)

    assert scale.ticks() == [0.0, 0.2, 0.4, 0.6, 0.8]
    assert (scale.at(-0.13), scale.at(0.87), scale.at(5)) == (100, 0, 0)
    assert Scale(4, 0, 0, 8).at(1) == 6


def test_songs_are_grouped_by_what_was_predicted():
    songs = [prediction(n, true=0.2 if n < 8 else 1.0, said=0.3 if n < 8 else 0.7) for n in range(16)]

    low, high = calibration(songs)

    assert [(group.predicted, group.true.value, group.songs) for group in (low, high)] == [(1.5, 1.0, 8), (3.5, 5.0, 8)]


def test_the_albums_that_are_missed_most_come_with_their_mean_and_singles_are_left_out():
    songs = [prediction(n, true=0.5, said=(0.9, 0.5, 0.3)[n // 4]) for n in range(12)]
    songs += [prediction(20 + n, said=1.0, album=f"{20 + n:02d}") for n in range(3)]

    albums, every = misses_by_album(songs, fewest=3, most=2)

    assert [(album.album, album.missed.value, album.songs) for album in albums] == [
        ("Artist – Album 0", pytest.approx(2.0), 4),
        ("Artist – Album 2", pytest.approx(-1.0), 4),
    ]
    assert every == 3


def test_the_error_is_that_of_songs_with_so_many_known_ratings_of_their_artist():
    songs = [prediction(n, true=0.5, said=0.5 + 0.1 * (n % 2), known=10 * (n % 2)) for n in range(20)]

    found = [(group.known, round(group.error.value, 6), group.songs) for group in error_by_known(songs)]

    assert found == [("0", 0.0, 10), ("6 to 10", 0.5, 10)]


def test_half_stars_are_counted_by_what_was_given_and_what_was_said():
    counts = confusion([prediction(1, true=1.0, said=0.74), prediction(2, true=0.0, said=0.04)])

    assert {(row, column): int(counts[row, column]) for row, column in zip(*np.nonzero(counts), strict=True)} == {
        (10, 7): 1,
        (0, 0): 1,
    }


def test_an_interval_holds_its_ends():
    assert coverage([prediction(1, low=0.6, high=0.7), prediction(5, low=0.7, high=0.8)]).value == 0.5


def test_a_browser_shows_the_page_asks_for_nothing_and_obeys_the_keyboard(tmp_path, browser):
    path = write_page(tmp_path, evaluation(name=EVIL))
    browser.ask("Page.navigate", url=path.as_uri())
    while browser.value("document.readyState") != "complete":
        pass
    browser.ask("Emulation.setDeviceMetricsOverride", width=360, height=700, deviceScaleFactor=1, mobile=False)

    assert browser.value("document.title").startswith("Evaluation of v1</title>")
    assert browser.value("document.querySelectorAll('svg').length") == 19
    assert browser.value("document.documentElement.scrollWidth") <= 360
    browser.value("document.querySelector('figure summary').focus()")
    browser.press("Enter")
    assert browser.value("document.querySelector('figure details').open")
    colours = []
    for _ in range(2):
        browser.value("document.getElementById('theme').click()")
        colours.append(browser.value("getComputedStyle(document.querySelector('circle.model')).fill"))
    assert len(set(colours)) == 2
    assert browser.complaints == [] and browser.requests == [path.as_uri()]
