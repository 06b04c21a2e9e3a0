"""Files that are broken, odd or not there: a crop or a reason in one line, and nothing on standard error."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ml_skeleton_extract_audio.cropping import CropPolicy
from ml_skeleton_extract_audio.decode import DecodeError, read_song
from ml_skeleton_extract_audio.source import LocalFile
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3

LAST_FOUR = CropPolicy("end", 4.0, 1, 44100)
EVERY_FORMAT = [
    "mp3",
    "aac",
    "m4a",
    "alac",
    "opus",
    "ogg",
    "flac",
    "ogg flac",
    "wv",
    "tta",
    "wma",
    "mka",
    "wav",
    "aiff",
]


def reason(path, policy=LAST_FOUR, **asked) -> str:
    with pytest.raises(DecodeError) as caught:
        read_song(path, policy, **asked)
    return str(caught.value)


def heard(path) -> tuple[str, list[bytes]]:
    song = read_song(path, LAST_FOUR)
    return song.audio_id, [crop.samples.tobytes() for crop in song.crops]


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "flac", "m4a"])
def test_a_file_of_zero_bytes_is_empty(tmp_path, suffix):
    assert reason(written(tmp_path / f"song.{suffix}", b"")) == "an empty file"


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "flac", "m4a", "wav", "txt"])
def test_text_is_not_audio_whatever_its_name(tmp_path, suffix):
    text = b"This is a note about a song, and no song.\n" * 40
    expected = {"not an audio file, or its header is damaged", "no audio stream"}
    assert reason(written(tmp_path / f"song.{suffix}", text)) in expected


def test_a_picture_is_not_audio(tmp_path):
    assert reason(written(tmp_path / "cover.jpg", JPEG)) == "not an audio file, or its header is damaged"


def test_a_list_of_files_is_not_followed(songs, tmp_path):
    playlist = f"ffconcat version 1.0\nfile {songs['flac']}\n".encode()
    assert reason(written(tmp_path / "song.mp3", playlist)) == "not an audio file, or its header is damaged"


def test_a_film_without_sound_has_no_audio_stream(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "silent.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))
        container.mux([*stream.encode(frame), *stream.encode(None)])
    assert reason(path) == "no audio stream"


def test_a_directory_named_like_a_song_is_refused(tmp_path):
    (tmp_path / "x.mp3").mkdir()
    assert reason(tmp_path / "x.mp3") == "a directory"


def test_a_named_pipe_is_refused_without_waiting_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "song.mp3")
    assert reason(tmp_path / "song.mp3") == "not a regular file"


def test_a_file_that_vanished_may_come_back(tmp_path):
    with pytest.raises(DecodeError, match=r"^no such file or directory$") as caught:
        read_song(tmp_path / "song.mp3", LAST_FOUR)
    assert caught.value.transient


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_may_get_it(songs, tmp_path):
    path = written(tmp_path / "song.mp3", songs["mp3"].read_bytes())
    path.chmod(0)
    with pytest.raises(DecodeError, match=r"^permission denied$") as caught:
        read_song(path, LAST_FOUR)
    assert caught.value.transient


def test_a_read_error_is_not_taken_for_the_end_of_the_song(songs, monkeypatch):
    def fails(_file, _size=-1):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(LocalFile, "read", fails)
    with pytest.raises(DecodeError, match=r"^input/output error$") as caught:
        read_song(songs["flac"], LAST_FOUR)
    assert caught.value.transient


def test_a_damaged_file_is_not_transient(tmp_path):
    with pytest.raises(DecodeError) as caught:
        read_song(written(tmp_path / "song.ogg", b"OggS" * 100), LAST_FOUR)
    assert not caught.value.transient


def test_an_error_survives_the_way_between_processes():
    error = pickle.loads(pickle.dumps(DecodeError("permission denied", transient=True)))
    assert (str(error), error.transient) == ("permission denied", True)


@pytest.mark.parametrize("name", [name for name in EVERY_FORMAT if name not in ("m4a", "alac")])
def test_of_a_truncated_file_what_decodes_counts(songs, whole, tmp_path, name):
    content = songs[name].read_bytes()
    path = written(tmp_path / songs[name].name, content[: len(content) * 6 // 10])
    song = read_song(path, CropPolicy("end", 3.0, 1, 48000 if name == "opus" else 44100))
    expected = whole(path)
    assert song.length_s == pytest.approx(7.2, abs=1.1)
    assert np.array_equal(song.crops[0].samples, expected[-len(song.crops[0].samples) :])


@pytest.mark.parametrize("name", ["mp3", "flac", "wv", "tta", "mka"])
def test_a_truncated_file_whose_header_knows_better_is_warned_of(songs, tmp_path, name):
    content = songs[name].read_bytes()
    path = written(tmp_path / songs[name].name, content[: len(content) // 2])
    assert (read_song(path, LAST_FOUR).warning or "").startswith("cut off: ")


@pytest.mark.parametrize("name", EVERY_FORMAT)
def test_a_sound_file_gives_no_warning(songs, name):
    assert read_song(songs[name], LAST_FOUR).warning is None


def test_an_m4a_without_its_index_is_refused(songs, tmp_path):
    content = songs["m4a"].read_bytes()
    assert reason(written(tmp_path / "song.m4a", content[: len(content) // 2])).startswith("not an audio file")


@pytest.mark.parametrize("name", ["mp3", "m4a", "flac", "ogg", "opus", "wv"])
def test_damage_in_the_middle_costs_no_more_than_what_is_damaged(songs, tmp_path, name):
    content = bytearray(songs[name].read_bytes())
    at = len(content) // 2
    content[at : at + 3000] = bytes(3000)
    song = read_song(written(tmp_path / songs[name].name, content), CropPolicy("end", 60.0))
    assert len(song.crops[0].samples) > 9 * 16000


def test_nothing_is_written_on_standard_error(songs, tmp_path, capfd):
    chance = np.random.default_rng(7)
    for name in EVERY_FORMAT:
        for number in range(6):
            content = bytearray(songs[name].read_bytes())
            for at in chance.integers(0, len(content) if number % 2 else 400, 60):
                content[at] = chance.integers(256)
            path = written(tmp_path / f"{number}{songs[name].name}", content)
            try:
                read_song(path, CropPolicy("spread", 1.0, 2), max_duration_s=900)
            except DecodeError as error:
                assert "\n" not in str(error)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "name",
    [
        *(b"new\nline.flac", b"caf\xe9.flac", "naïve ♫.flac".encode(), b"100%25 #1?.flac", b"no extension"),
        *(b"concat:song.flac", b"file:song.flac", b"-i.flac", b"song %03d.flac"),
    ],
)
def test_a_file_is_opened_by_its_name_whatever_that_looks_like(songs, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with open(name, "wb") as copy:
        copy.write(songs["flac"].read_bytes())
    assert heard(name) == heard(os.fsdecode(name)) == heard(songs["flac"])


def test_a_name_like_an_address_is_a_file_in_a_folder(songs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "http:").mkdir()
    (tmp_path / "http:" / "song.flac").write_bytes(songs["flac"].read_bytes())
    assert heard("http://song.flac") == heard(songs["flac"])


def test_an_embedded_cover_is_not_taken_for_the_song(songs, tmp_path):
    flac = written(tmp_path / "song.flac", songs["flac"].read_bytes())
    tags = FLAC(flac)
    picture = Picture()
    picture.type, picture.mime, picture.data = 3, "image/jpeg", JPEG * 300
    tags.add_picture(picture)
    tags.save()
    mp3 = written(tmp_path / "song.mp3", songs["mp3"].read_bytes())
    cover = ID3()
    cover.add(APIC(mime="image/jpeg", type=3, data=JPEG * 300))
    cover.save(mp3)
    assert heard(flac) == heard(songs["flac"])
    assert heard(mp3) == heard(songs["mp3"])


def test_a_song_that_is_too_long_is_refused_before_it_is_decoded(songs):
    assert reason(songs["flac"], max_duration_s=10.0) == "longer than 10 s"


def test_a_cue_track_in_a_file_that_is_too_long_is_read(songs):
    song = read_song(songs["flac"], LAST_FOUR, start_s=2.0, length_s=5.0, max_duration_s=10.0)
    assert song.length_s == pytest.approx(5.0)


def test_a_file_that_goes_on_longer_than_it_states_is_bounded(songs, tmp_path):
    lying = bytearray(songs["flac"].read_bytes())
    lying[21] &= 0xF0
    lying[22:26] = (2 * 44100).to_bytes(4, "big")
    assert reason(written(tmp_path / "song.flac", lying), max_duration_s=5.0) == "longer than 5 s"


def test_a_cue_track_behind_the_end_of_its_file_is_refused(songs):
    text = reason(songs["flac"], start_s=30.0, length_s=10.0)
    assert text == "begins at 30.0 s, where its file has ended (12.0 s)"


def test_the_decoder_imports_neither_torch_nor_arrow():
    code = "import sys, ml_skeleton_extract_audio.decode; print({'torch', 'pyarrow', 'duckdb'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


JPEG = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300" + "10" * 64 + "ffc0000b080001000101011100"
    "ffc40014000100000000000000000000000000000009ffc40014100100000000000000000000000000000000"
    "ffda0008010100003f0054dfffd9"
)
