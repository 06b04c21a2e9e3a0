"""Who answers at a tracking URI: asked of the API, as the health page answers where the API refuses."""

import json
from dataclasses import dataclass
from http.client import HTTPException
from typing import Literal
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

API_PATH = "api/2.0/mlflow/experiments/search?max_results=1"
PROBE_TIMEOUT_S = 1.0

Who = Literal["mlflow", "refuses", "nobody", "silent", "stranger"]


@dataclass(frozen=True)
class Answer:
    """Who answered, and in words what was found wrong; no words for "mlflow"."""

    who: Who
    said: str = ""


def knock(uri: str, timeout_s: float = PROBE_TIMEOUT_S) -> Answer:
    """Return who answers an API call at `uri`, after at most about `timeout_s` of silence."""
    try:
        with urlopen(f"{uri.rstrip('/')}/{API_PATH}", timeout=timeout_s) as response:
            return _judge(response.status, response.read(100_000))
    except HTTPError as error:
        with error:
            return _judge(error.code, error.read(100_000))
    except TimeoutError:
        return _silent(timeout_s)
    except URLError as error:
        return _silent(timeout_s) if isinstance(error.reason, TimeoutError) else _nobody(error)
    except (HTTPException, ConnectionError) as error:
        return Answer("stranger", f"does not speak HTTP ({error or type(error).__name__})")
    except (OSError, ValueError) as error:
        return _nobody(error)


def _judge(status: int, body: bytes) -> Answer:
    """Tell MLflow by what only it says; a server that wants a login is taken for one."""
    if status == 401:
        return Answer("mlflow")
    if status == 403 and b"Host header" in body:
        return Answer("refuses", "refuses this host name (403); start the server with --allowed-hosts")
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    is_mlflow = isinstance(content, dict) and (status == 200 or "error_code" in content)
    return Answer("mlflow") if is_mlflow else Answer("stranger", f"answers {status} to MLflow's API")


def _silent(timeout_s: float) -> Answer:
    return Answer("silent", f"does not answer (nothing within {timeout_s:g} s)")


def _nobody(error: Exception) -> Answer:
    return Answer("nobody", f"does not answer ({error})")
