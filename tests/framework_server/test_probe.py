"""Who answers at a tracking URI, and which names a server answers to."""

import socket
import subprocess
import threading
from fnmatch import fnmatch

import pytest
from ml_skeleton.tracking.hosts import host_options, reachable
from ml_skeleton.tracking.probe import knock
from ml_skeleton.tracking.server import server_command

HOST_REFUSED = "Invalid Host header - possible DNS rebinding attack detected"


@pytest.mark.parametrize(
    ("status", "body", "who"),
    [
        (200, '{"experiments": []}', "mlflow"),
        (401, "", "mlflow"),
        (500, '{"error_code": "INTERNAL_ERROR"}', "mlflow"),
        (403, HOST_REFUSED, "refuses"),
        (403, "Forbidden", "stranger"),
        (200, "<html>", "stranger"),
        (404, "not found", "stranger"),
    ],
)
def test_mlflow_is_told_from_what_only_it_says(status, body, who, port, stand_in, wait_until):
    uri = f"http://127.0.0.1:{port}"
    with subprocess.Popen(stand_in(port, status, body)) as server:
        wait_until(lambda: knock(uri).who != "nobody")

        assert knock(uri).who == who
        server.kill()


def test_a_port_nobody_listens_at_is_free(port):
    assert knock(f"http://127.0.0.1:{port}").who == "nobody"


def test_what_accepts_and_says_nothing_is_silent():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert knock(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_s=0.1).who == "silent"


def test_what_speaks_another_protocol_is_a_stranger():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            with listener.accept()[0] as caller:
                caller.recv(1000)
                caller.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        threading.Thread(target=greet).start()
        assert knock(f"http://127.0.0.1:{listener.getsockname()[1]}").who == "stranger"


def test_a_server_for_this_machine_alone_has_one_worker_and_mlflow_s_own_host_check():
    options = server_command("127.0.0.1", 5000, "sqlite:////m.db", "./mlruns")[4:]

    assert options[:4] == ["--host", "127.0.0.1", "--port", "5000"]
    assert options[options.index("--workers") + 1] == "1"
    assert "--allowed-hosts" not in options


@pytest.mark.parametrize("header", ["mlflow:5000", "mlflow", "host.docker.internal:8080", "192.168.1.7:5000", "nas.me"])
def test_a_server_for_all_machines_answers_to_the_names_they_use(header):
    allowed = host_options("0.0.0.0", 5000, ["nas.me"])[1].split(",")

    assert any(fnmatch(header, pattern) for pattern in allowed)


def test_the_page_may_be_reached_through_a_proxy_with_tls_by_a_name_that_was_told():
    _, hosts, _, origins = host_options("127.0.0.1", 5000, ["mlflow.example.lan"])

    assert "mlflow.example.lan" in hosts.split(",")
    assert "https://mlflow.example.lan" in origins.split(",")


def test_a_page_of_somebody_else_s_name_is_not_let_in():
    _, hosts, _, origins = host_options("0.0.0.0", 5000)

    assert not any(fnmatch("evil.example:5000", pattern) for pattern in hosts.split(","))
    assert "*" not in origins and "http://mlflow:5000" in origins


@pytest.mark.parametrize(("host", "name"), [("0.0.0.0", "127.0.0.1"), ("::1", "[::1]"), ("nas", "nas")])
def test_a_client_on_this_machine_gets_a_host_it_can_connect_to(host, name):
    assert reachable(host) == name
