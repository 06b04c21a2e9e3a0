"""The kinds of playlists: for each a function from candidates and request to listings."""

from collections.abc import Callable

from ml_skeleton_recommend.candidates import Candidates
from ml_skeleton_recommend.kinds.albums import album
from ml_skeleton_recommend.kinds.learning import help_learn
from ml_skeleton_recommend.kinds.mixes import mix
from ml_skeleton_recommend.kinds.ranked import best, rediscover, sparse
from ml_skeleton_recommend.kinds.seeded import like, path
from ml_skeleton_recommend.listing import Listing

KINDS: dict[str, Callable[[Candidates], list[Listing]]] = {
    "best": best,
    "help": help_learn,
    "sparse": sparse,
    "rediscover": rediscover,
    "like": like,
    "path": path,
    "mix": mix,
    "album": album,
}
