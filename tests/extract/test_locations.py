"""From the player's URL to the file on this machine."""

import pytest
from ml_skeleton.path_map import PathMap, parse_path_map
from ml_skeleton_extract_audio.locations import file_of

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


def test_the_file_of_a_mapped_folder_is_the_one_here():
    path_map = parse_path_map(["/home/me/Music=/music"])

    assert file_of("file:///home/me/Music/%FF.ogg", path_map) == b"/music/\xff.ogg"
