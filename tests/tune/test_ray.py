"""Trials on a Ray cluster of two nodes, on this machine."""

import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("ignore")]

STEPS = """
for step in 0 1 2; do echo "{\\"step\\": $step, \\"loss\\": $1}"; done
[ "$1" -lt 9 ] || { while true; do sleep 0.05; done; }
echo "$TUNE_TRIAL" >>"$TUNE_STUDY/runs"
"""


@pytest.fixture(scope="module")
def cluster():
    """The address of a cluster of two nodes, with one processor each."""
    cluster = start_cluster()
    yield cluster.address
    cluster.shutdown()


def start_cluster(tries: int = 3):
    """Start the cluster; Ray gives a node 30 s to start, which a busy machine may need more than once."""
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    try:
        cluster.add_node(num_cpus=1, include_dashboard=False)
        cluster.add_node(num_cpus=1)
    except Exception:  # Ray's own is of no other class
        cluster.shutdown()
        if tries == 1:
            raise
        return start_cluster(tries - 1)
    return cluster


def test_a_study_runs_on_two_nodes_as_it_does_here(study, script, cluster):
    """Two commands wait for each other; later one fails, one is interrupted, one has no number, one is hopeless."""
    from ml_skeleton.tuning.ray_backend import on_ray

    text = """cd "$TUNE_STUDY"
case $1 in
0|1) touch met-$1; while [ ! -e met-0 ] || [ ! -e met-1 ]; do sleep 0.02; done ;;
2) echo out of luck >&2; exit 1 ;;
3) [ -e interrupted ] || { touch interrupted; exit 143; } ;;
4) echo '{"loss": NaN}'; exit ;;
8) set -- 9 ;;
esac
"""
    outcome = study.run(
        "sh", script(text + STEPS), "{trial}", n=9, jobs=2, pruner="median", timeout_s=60, backend=on_ray(cluster, 0.0)
    )

    assert [outcome.results[number].state for number in range(9)] == [
        *["complete"] * 2,
        "failed",
        "complete",
        "failed",
        *["complete"] * 3,
        "pruned",
    ]
    assert [outcome.results[number].value for number in (0, 1, 3)] == [0, 1, 3]
    assert outcome.results[2].reason == "exit 1: out of luck"
    assert outcome.results[4].reason == "loss is NaN, expected a finite number"
    assert sorted((study.folder / "runs").read_text().split()) == ["0", "1", "3", "5", "6", "7"]
    assert not list(study.folder.glob(".ray-*"))
