"""What the container is built from, as far as that shows without an engine; `just fresh-root` runs the steps."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ml_skeleton_nightly.status import StatusFile
from shell import JUST

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
COMPOSE = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
SERVICES = yaml.safe_load(COMPOSE)["services"]
DOCKERFILE = (DOCKER / "Dockerfile").read_text(encoding="utf-8")


def variables_of_example() -> set[str]:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(r"^([A-Z_]+)=", text, re.MULTILINE))


def test_the_example_of_variables_names_every_one_that_the_services_use():
    assert variables_of_example() == set(re.findall(r"\$\{([A-Z_]+)", COMPOSE))


def test_the_example_of_variables_holds_no_secret_and_git_and_images_never_see_the_real_file():
    ignored = [(ROOT / name).read_text(encoding="utf-8").splitlines() for name in (".gitignore", ".dockerignore")]

    assert "\nJUPYTER_TOKEN=\n" in (ROOT / ".env.example").read_text(encoding="utf-8")
    assert all(".env" in lines for lines in ignored)


def test_every_step_of_the_image_is_a_script_that_the_fresh_root_runs_too():
    steps = re.findall(r"^RUN (.*)$", DOCKERFILE, re.MULTILINE)
    in_fresh_root = re.findall(r"as_root (\w+)", (DOCKER / "fresh-root.sh").read_text(encoding="utf-8"))

    assert steps == [f"/opt/ml-skeleton/docker/{name}.sh" for name in in_fresh_root]


@pytest.mark.fresh_root
@pytest.mark.skipif("FRESH_ROOT" not in os.environ, reason="FRESH_ROOT names no folder to build in")
def test_the_steps_of_the_image_end_well_in_a_bare_debian_and_so_does_what_its_user_does():
    done = subprocess.run([DOCKER / "fresh-root.sh", os.environ["FRESH_ROOT"]], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_ends_as_a_user_and_its_entry_point_is_no_shell():
    stages = DOCKERFILE.split("FROM ")[1:3]

    assert [re.findall(r"^USER (.*)$", stage, re.MULTILINE)[-1] for stage in stages] == ["${LISTENER_UID}"] * 2
    assert 'ENTRYPOINT ["/opt/ml-skeleton/docker/entrypoint.sh"]' in DOCKERFILE


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_limits_and_comes_back_and_is_watched(service):
    settings = SERVICES[service]

    assert settings["mem_limit"] and settings["restart"] == ("no" if service == "pipeline" else "unless-stopped")
    assert "healthcheck" in settings or service == "pipeline"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_reached_from_this_machine_alone_unless_told_otherwise(service):
    ports = SERVICES[service].get("ports", [])

    assert [port for port in ports if not port.startswith("${BIND_ADDRESS:-127.0.0.1}:")] == []


@pytest.mark.parametrize("service", ["pipeline", "cron", "jupyter"])
def test_music_and_the_player_s_database_are_mounted_to_be_read(service):
    mounts = {mount.rpartition("}:")[2] for mount in SERVICES[service]["volumes"]}

    assert {"/music:ro", "/player:ro"} < mounts


def test_what_services_write_by_default_is_seen_neither_by_git_nor_by_an_image():
    (data,) = {mount.partition(":-")[2].partition("}")[0] for mount in SERVICES["cron"]["volumes"] if "DATA" in mount}
    ignored = [(ROOT / name).read_text(encoding="utf-8").splitlines() for name in (".gitignore", ".dockerignore")]

    assert (DOCKER / data).resolve() == ROOT / "data"
    assert "/data/" in ignored[0] and "data" in ignored[1]


def test_the_entry_point_becomes_the_command():
    command = [DOCKER / "entrypoint.sh", "sh", "-c", "echo $$; exit 75"]

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        said, _ = process.communicate()

    assert (int(said), process.returncode) == (process.pid, 75)


@pytest.fixture
def fake_night(tmp_path) -> Path:
    """Return a folder with the recipes, and a clem-nightly that says when it began and when it was told to stop."""
    for linked in ("Justfile", "shared", "tools", "requirements.txt"):
        (tmp_path / linked).symlink_to(ROOT / linked)
    programs = tmp_path / ".venv/bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (tmp_path / ".venv/.tools").touch()  # nothing is to be installed
    for name, lines in {
        "uv": "true",
        "clem-nightly": "trap 'kill $!; touch stopped; exit 143' TERM; sleep 60 & touch began; wait",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{lines}\n")
        (programs / name).chmod(0o755)
    return tmp_path


@pytest.mark.skipif(JUST is None, reason="just is not installed")
def test_a_signal_that_ends_just_reaches_the_tool_which_is_waited_for(fake_night, wait_until):
    with subprocess.Popen([str(JUST), "nightly"], cwd=fake_night, stderr=subprocess.DEVNULL) as just:
        wait_until((fake_night / "began").exists)
        just.terminate()
        code = just.wait()

    assert (code, (fake_night / "stopped").exists()) == (143, True)


def test_beside_a_torch_of_the_base_image_none_of_its_own_packages_is_installed():
    pinned = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    done = subprocess.run([DOCKER / "beside_torch.sh"], input=pinned, capture_output=True, text=True, check=True)

    left_out = {line.partition("==")[0] for line in set(pinned.splitlines()) - set(done.stdout.splitlines())}
    assert {"torch", "torchaudio", "triton", "nvidia-cublas"} <= left_out
    assert all(re.match("torch|triton|nvidia|cuda", name) for name in left_out) and "nvidia-ml-py" not in left_out


@pytest.mark.parametrize(("exit_code", "healthy"), [(0, 0), (3, 1)])
def test_the_service_of_nights_is_ill_when_the_last_one_failed(tmp_path, exit_code, healthy):
    StatusFile(tmp_path / "status.json", {}).end(exit_code, "embed ended with 3" if exit_code else None)

    done = subprocess.run([sys.executable, DOCKER / "last_night.py", tmp_path / "status.json"], capture_output=True)

    assert done.returncode == healthy


def test_what_a_night_says_goes_to_the_log_of_the_container():
    jobs = [line for line in (DOCKER / "crontab").read_text(encoding="utf-8").splitlines() if line[:1].isdigit()]

    assert [job.split(maxsplit=5)[5].partition(" nightly ")[2] for job in jobs] == [">/proc/1/fd/2 2>&1"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_has_nothing_to_say_of_the_timer_and_the_service_of_the_page(tmp_path):
    page = (ROOT / "docs/container.md").read_text(encoding="utf-8")
    units = dict(re.findall(r"`~/\.config/systemd/user/(\S+)`:\n\n```ini\n(.*?)```", page, re.DOTALL))
    just = tmp_path / "ml-skeleton/.venv/bin/just"  # what the service starts has to be there
    just.parent.mkdir(parents=True)
    just.touch(mode=0o755)
    for name, unit in units.items():
        (tmp_path / name).write_text(unit, encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}

    verify = ["systemd-analyze", "--user", "verify", *(tmp_path / name for name in units)]
    done = subprocess.run(verify, env=environment, capture_output=True, text=True)

    assert sorted(units) == ["clem-nightly.service", "clem-nightly.timer"]
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_notebooks_are_not_served_without_a_token():
    environment = {name: value for name, value in os.environ.items() if name != "JUPYTER_TOKEN"}

    done = subprocess.run([DOCKER / "jupyter.sh"], env=environment, capture_output=True, text=True)

    assert (done.returncode, "JUPYTER_TOKEN is not set" in done.stderr) == (2, True)


def test_the_dev_container_is_built_from_the_same_file():
    settings = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))

    dockerfile = ROOT / ".devcontainer" / settings["build"]["dockerfile"]
    assert dockerfile.resolve() == DOCKER / "Dockerfile" and settings["remoteUser"] == "listener"
