"""Folders with two names: which pair counts, both ways, and where the pairs come from."""

import pytest
from ml_skeleton.console import Config, new_app
from ml_skeleton.errors import UsageError
from ml_skeleton.path_map import PathMap, PathMapTexts, parse_path_map
from typer.testing import CliRunner

TWO = parse_path_map(["/home/me/Music=/music", "/home/me/Music/jazz=/music/other"])


def test_here_the_longest_match_wins():
    files = [TWO.here(b"/home/me/Music/" + name) for name in (b"a.ogg", b"jazz/b.ogg", b"jazzy/c.ogg")]

    assert files == [b"/music/a.ogg", b"/music/other/b.ogg", b"/music/jazzy/c.ogg"]


def test_on_the_host_the_longest_match_wins():
    files = [TWO.on_host(b"/music/" + name) for name in (b"a.ogg", b"other/b.ogg", b"others/c.ogg")]

    assert files == [b"/home/me/Music/a.ogg", b"/home/me/Music/jazz/b.ogg", b"/home/me/Music/others/c.ogg"]


def test_only_whole_folder_names_match():
    assert parse_path_map(["/home/me/Music/=/music"]).here(b"/home/me/Music2/a.ogg") == b"/home/me/Music2/a.ogg"


def test_a_whole_disk_can_be_mapped():
    path_map = parse_path_map(["/=/host"])

    assert (path_map.here(b"/a.ogg"), path_map.on_host(b"/host/a.ogg")) == (b"/host/a.ogg", b"/a.ogg")


def test_a_folder_may_have_an_equals_sign_in_its_name():
    assert parse_path_map(["/a=b=/c=d"]) == PathMap(((b"/a=b", b"/c=d"),))


@pytest.mark.parametrize("text", ["", "/a", "a=b", "/a=b", "=/b", "/a=", "/a=/b=/c"])
def test_a_map_without_two_absolute_folders_is_refused(text):
    with pytest.raises(UsageError, match=f"path map {text}: expected HOST=CONTAINER, two absolute folders"):
        parse_path_map([text])


def test_a_folder_that_would_lie_in_two_places_is_refused():
    with pytest.raises(UsageError, match="path map /a/=/c: /a/ is mapped to /b already"):
        parse_path_map(["/a=/b", "/a/=/c"])


@pytest.fixture
def pairs_of(monkeypatch, tmp_path):
    """Return a function that says which pairs a tool is asked for by its configuration, the environment and flags."""

    def ask(*flags: str, environment: str = "", configured: str = "") -> list[str]:
        app, found = new_app(), []

        @app.command()
        def tool(path_map: PathMapTexts = None, config: Config = None) -> None:
            found.extend(path_map)

        (tmp_path / "c.yaml").write_text(f"tool: {{path_map: [{configured}]}}\n")
        monkeypatch.setenv("PATH_MAP", environment)
        CliRunner().invoke(
            app, ["--config", str(tmp_path / "c.yaml"), *flags], prog_name="tool", catch_exceptions=False
        )
        return found

    return ask


def test_a_colon_before_a_slash_separates_the_pairs_of_the_environment(pairs_of):
    assert pairs_of(environment="/my music=/m:/AC: DC=/dc:") == ["/my music=/m", "/AC: DC=/dc"]


def test_a_flag_beats_the_environment_and_that_the_configuration(pairs_of):
    assert pairs_of("--path-map", "/a=/b", environment="/c=/d", configured="/e=/f") == ["/a=/b"]
    assert pairs_of(environment="/c=/d", configured="/e=/f") == ["/c=/d"]
    assert pairs_of(configured="/e=/f") == ["/e=/f"]
