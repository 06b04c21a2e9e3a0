"""Recordings on disk: tags that players read, and audio behind them that decodes."""

from dataclasses import replace

import av
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from ml_skeleton_demo_library.catalogue import Settings, plan_songs
from ml_skeleton_demo_library.id3 import add_id3
from ml_skeleton_demo_library.listing import Recording
from ml_skeleton_demo_library.recording import CODECS, record

(MODEL, *_) = plan_songs(Settings(4, (1.0, 1.0), 1, ("Piano",), odd_cases=False))


def make(music, ending: str, **changes):
    rate = 24_000 if ending == "opus" else 22_050
    song = replace(
        MODEL, path=f"{ending}/song.{ending}", piece=replace(MODEL.piece, sample_rate=rate, channels=1), **changes
    )
    return music / song.path, record(Recording(song.path, (song,)), music)


@pytest.mark.parametrize("ending", CODECS)
def test_tags_survive_in_every_container_whatever_the_script(tmp_path, ending):
    path, _ = make(tmp_path, ending, title="春の海 🌙", artist="Mäandertal")

    with av.open(str(path)) as container:
        tags = {**container.metadata, **container.streams.audio[0].metadata}
    found = {name.lower(): text for name, text in tags.items()}
    assert (found["title"], found["artist"]) == ("春の海 🌙", "Mäandertal")


@pytest.mark.parametrize("ending", CODECS)
def test_a_recording_decodes_to_its_length(tmp_path, ending):
    path, take = make(tmp_path, ending)

    assert soundfile.info(path).duration == pytest.approx(1.0, abs=0.1)
    assert (take.seconds, take.filesize) == (1.0, path.stat().st_size)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=300))
def test_an_id3_tag_is_read_back_by_ffmpeg(tmp_path_factory, title):
    path = tmp_path_factory.mktemp("id3") / "song.wav"
    soundfile.write(path, [0.0] * 801, 8000)
    add_id3(path, {"title": title})

    with av.open(str(path)) as container:
        assert container.metadata["title"] == title
        assert sum(frame.samples for frame in container.decode(audio=0)) == 801
