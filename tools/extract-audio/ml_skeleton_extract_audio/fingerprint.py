"""The audio_id: who a recording is, whatever its file is called and however it is tagged."""

import hashlib

from ml_skeleton_extract_audio.track import Track


def audio_id(track: Track, start_s: float = 0.0, length_s: float | None = None) -> str:
    """Return 32 hexadecimal digits made from the audio of a song.

    They stay the same when the file is moved, copied or tagged anew, and differ
    between encodings of one recording. A cue track differs from its file, and
    from its neighbours, by `start_s` and `length_s`.
    """
    digest = hashlib.blake2b(digest_size=16)
    for piece in (track.source.codec.encode(), *track.evidence()):
        digest.update(len(piece).to_bytes(8, "little"))
        digest.update(piece)
    if start_s or length_s is not None:
        stop = "end" if length_s is None else f"{start_s + length_s:.3f}"
        digest.update(f"{start_s:.3f}-{stop}".encode())
    return digest.hexdigest()
