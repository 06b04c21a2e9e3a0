"""The audio_id stays with the sound: through moves, copies and tags, and no further."""

import shutil
from collections.abc import Callable
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from ml_skeleton_extract_audio.cropping import CropPolicy
from ml_skeleton_extract_audio.decode import DecodedSong, read_song
from mutagen.apev2 import APEv2
from mutagen.id3 import ID3, TALB, TIT2, TXXX

FORMATS = ["mp3", "mp3 without header", "aac", "m4a", "alac", "opus", "ogg", "flac", "ogg flac", "wv", "tta", "wma"]
FORMATS += ["wav", "aiff"]
LONG_TEXT = "a comment of a listener who writes " * 4000  # 140 kB: more than any padding

Tagger = Callable[[Path], None]


class Everything:
    """Holds whatever is asked of it, so that a song is told but not decoded."""

    def __contains__(self, _item: object) -> bool:
        return True


def told(path: Path, *cue: float) -> DecodedSong:
    return read_song(path, CropPolicy(), *cue, known=Everything())


def id_of(path: Path, *cue: float) -> str:
    return told(path, *cue).audio_id


def with_id3v2(text: str) -> Tagger:
    def tag(path: Path) -> None:
        tags = ID3()
        tags.add(TIT2(text="Title"))
        tags.add(TXXX(desc="FMPS_Rating", text=text))
        tags.save(path, v1=2)

    return tag


def with_ape(path: Path) -> None:
    tags = APEv2()
    tags["Title"], tags["Comment"] = "Title", LONG_TEXT
    tags.save(path)


def with_id3v1(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"TAG" + b"Title".ljust(125, b"\0"))


def with_lyrics(path: Path) -> None:
    fields = b"LYRICSBEGIN" + b"LYR00012la la la la l"
    with_id3v1(path)
    content = path.read_bytes()
    path.write_bytes(content[:-128] + fields + b"%06dLYRICS200" % len(fields) + content[-128:])


def with_two_id3v2(path: Path) -> None:
    with_id3v2("first")(path)
    content = path.read_bytes()
    with_id3v2("second")(path)
    size = len(path.read_bytes()) - len(content)
    assert size < len(content)
    path.write_bytes(b"ID3\4\0\0\0\0\0\x0aTIT2\0\0\0\0\0\0" + path.read_bytes())


BARE_TAGGERS = {
    "ID3v2": with_id3v2("5 of 5"),
    "large ID3v2": with_id3v2(LONG_TEXT),
    "two ID3v2": with_two_id3v2,
    "APE": with_ape,
    "ID3v1": with_id3v1,
    "Lyrics3 and ID3v1": with_lyrics,
}


def tag_as_a_player_would(path: Path, text: str) -> None:
    song = mutagen.File(path)
    if song.tags is None:
        song.add_tags()
    if path.suffix in {".tta", ".aiff", ".wav"}:
        song.tags.add(TALB(text=text))
    elif path.suffix == ".m4a":
        song.tags["\xa9cmt"] = [text]
    else:
        song.tags["Comment"] = text
    song.save()


@pytest.fixture
def copy(tmp_path) -> Callable[[Path], Path]:
    return lambda path: Path(shutil.copy(path, tmp_path / f"copy{path.suffix}"))


@pytest.mark.parametrize("name", FORMATS)
def test_a_moved_copy_is_the_same_recording(songs, copy, name):
    assert id_of(copy(songs[name])) == id_of(songs[name])


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in {"mp3", "mp3 without header", "aac"}])
def test_tags_that_grow_and_shrink_leave_the_recording_the_same(songs, copy, name):
    path = copy(songs[name])
    for text in (LONG_TEXT, "short", LONG_TEXT * 3):
        tag_as_a_player_would(path, text)
        assert id_of(path) == id_of(songs[name])


@pytest.mark.parametrize("tagger", BARE_TAGGERS)
@pytest.mark.parametrize("name", ["mp3", "mp3 without header", "aac"])
def test_tags_around_bare_frames_leave_the_recording_the_same(songs, copy, name, tagger):
    path = copy(songs[name])
    BARE_TAGGERS[tagger](path)
    assert path.stat().st_size != songs[name].stat().st_size
    assert id_of(path) == id_of(songs[name])


def test_an_mp3_with_every_tag_at_once_is_still_the_same_recording(songs, copy):
    path = copy(songs["mp3"])
    with_ape(path)
    with_lyrics(path)
    with_id3v2(LONG_TEXT)(path)
    assert id_of(path) == id_of(songs["mp3"])


def test_a_tag_of_hundreds_of_bytes_is_not_decoded_as_sound(songs, copy):
    path = copy(songs["mp3"])
    with_id3v2(LONG_TEXT)(path)
    with_id3v1(path)
    tagged, plain = (read_song(file, CropPolicy()).crops[0].samples for file in (path, songs["mp3"]))
    assert np.array_equal(tagged, plain)


@pytest.mark.parametrize("name", FORMATS)
def test_the_crop_policy_does_not_matter(songs, name):
    policies = (CropPolicy("end", 4.0), CropPolicy("spread", 1.0, 3), CropPolicy("start", 60.0, 1, 22050))
    assert {read_song(songs[name], policy).audio_id for policy in policies} == {id_of(songs[name])}


def test_encodings_of_one_song_are_different_recordings(songs):
    encodings = {name: path for name, path in songs.items() if name != "mka"}  # the packets of "flac", in another box
    assert len({id_of(path) for path in encodings.values()}) == len(encodings)


@pytest.mark.parametrize("name", ["mp3", "m4a", "opus", "ogg", "flac", "wv", "wav", "tta"])
def test_a_cut_off_copy_is_another_recording(songs, copy, name):
    path = copy(songs[name])
    content = path.read_bytes()
    if name == "m4a":
        pytest.skip("its index is at the end, without which it is no song")
    path.write_bytes(content[: len(content) * 3 // 4])
    assert id_of(path) != id_of(songs[name])


@pytest.mark.parametrize(("suffix", "codec"), [("flac", "flac"), ("wav", "pcm_s16le"), ("m4a", "alac")])
@pytest.mark.parametrize("differing_s", [0.1, 6.0, 11.8])
def test_songs_of_one_length_differ_by_what_is_in_them(encode, sound, tmp_path, suffix, codec, differing_s):
    first = np.zeros((12 * 44100, 2), np.float32)
    second = first.copy()
    at = round(differing_s * 44100)
    second[at : at + 4410] = sound(0.1)
    paths = [encode(tmp_path / f"{n}.{suffix}", made, codec) for n, made in enumerate((first, second))]
    assert id_of(paths[0]) != id_of(paths[1])


def test_cue_tracks_of_one_file_are_different_songs(songs):
    whole, first, second, last = (id_of(songs["flac"], *cue) for cue in ((), (0.0, 4.0), (4.0, 4.0), (8.0,)))
    assert len({whole, first, second, last}) == 4


def test_a_cue_track_keeps_its_id_when_its_file_is_tagged(songs, copy):
    path = copy(songs["flac"])
    tag_as_a_player_would(path, LONG_TEXT)
    assert id_of(path, 4.0, 4.0) == id_of(songs["flac"], 4.0, 4.0)


def test_a_known_song_is_told_without_being_decoded(songs):
    song = told(songs["mp3"])
    assert (song.crops, song.codec, song.warning) == ((), "mp3", None)
    assert song.length_s == pytest.approx(12.0, abs=0.1)


@pytest.fixture(scope="module")
def long_songs(tmp_path_factory, songs, sound, encode) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("long")
    minute = np.tile(sound(10.0), (6, 1))
    made = {
        suffix: encode(folder / f"song.{suffix}", minute, codec)
        for suffix, codec in {"flac": "flac", "m4a": "alac", "wav": "pcm_s16le"}.items()
    }
    made["mp3"] = folder / "song.mp3"
    made["mp3"].write_bytes(songs["mp3 without header"].read_bytes() * 16)
    made["ogg"] = folder / "song.ogg"
    with soundfile.SoundFile(made["ogg"], "w", 44100, 2, "VORBIS", format="OGG") as ogg:
        for _ in range(6):  # libsndfile crashes when it gets minutes at once
            ogg.write(minute[:441_000])
    return made


@pytest.mark.parametrize(("suffix", "share"), [("mp3", 0.3), ("flac", 0.3), ("m4a", 0.1), ("wav", 0.2), ("ogg", 0.7)])
def test_a_known_song_costs_a_small_part_of_its_file(long_songs, suffix, share):
    path = long_songs[suffix]
    assert told(path).bytes_read < share * path.stat().st_size


@pytest.mark.parametrize("suffix", ["flac", "m4a", "wav"])
def test_a_crop_at_the_end_does_not_read_the_whole_file(long_songs, suffix):
    path = long_songs[suffix]
    song = read_song(path, CropPolicy("end", 10.0))
    assert song.bytes_read < 0.5 * path.stat().st_size
