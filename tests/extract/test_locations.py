"""From the player's URL to the file on this machine."""

import pytest
from ml_skeleton.errors import UsageError
from ml_skeleton_extract_audio.locations import PathMap, file_of, parse_path_map

NO_MAP = PathMap()


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("file:///music/a.ogg", b"/music/a.ogg"),
        ("file:///music/50%25%20off%20%23.ogg", b"/music/50% off #.ogg"),
        ("file:///music/%C3%9C.ogg", "/music/Ü.ogg".encode()),
        ("file:///music/%FF%0A.ogg", b"/music/\xff\n.ogg"),
        ("file:///music/what?.ogg", b"/music/what?.ogg"),
        ("file://localhost/music/a.ogg", b"/music/a.ogg"),
        ("/music/a.ogg", b"/music/a.ogg"),
        ("http://radio.example/stream", None),
        ("", None),
    ],
)
def test_a_url_names_a_file_byte_for_byte(url, file):
    assert file_of(url, NO_MAP) == file


def test_a_mapped_folder_is_replaced_and_the_longest_match_wins():
    path_map = parse_path_map(["/home/me/Music=/music", "/home/me/Music/jazz=/nas/jazz"])

    files = [file_of(f"file:///home/me/Music/{name}", path_map) for name in ("a.ogg", "jazz/b.ogg", "jazzy/c.ogg")]

    assert files == [b"/music/a.ogg", b"/nas/jazz/b.ogg", b"/music/jazzy/c.ogg"]


def test_only_whole_folder_names_match():
    assert file_of("file:///home/me/Music2/a.ogg", parse_path_map(["/home/me/Music/=/music"])) == (
        b"/home/me/Music2/a.ogg"
    )


@pytest.mark.parametrize("text", ["/a", "a=b", "/a=b", "=/b", "/a="])
def test_a_map_without_two_absolute_folders_is_refused(text):
    with pytest.raises(UsageError, match="expected OLD=NEW, two absolute folders"):
        parse_path_map([text])
