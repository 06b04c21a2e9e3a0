"""Where the CPU time of a crop goes, stage by stage, over that of the bare decode calls.

    python benchmarks/stages.py LIBRARY [--seconds 60] [--rate 16000] [--rounds 8] [--limit N]

LIBRARY is a folder of music, or a player's database. Each stage is run by itself,
on the packets and blocks that a real run has there, and the median of the rounds
counts, so that they add up on a busy machine too. Only `finding out who it is`,
`queueing and mixing`, `rounding` and what is left are this repository's own; the
others are FFmpeg, PyAV and soxr.
"""

import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import soxr
from extract import asked_for
from ml_skeleton_extract_audio.cropping import CropPolicy
from ml_skeleton_extract_audio.decode import PREROLL_OTHERS_S, PREROLL_S, read_song
from ml_skeleton_extract_audio.fingerprint import audio_id
from ml_skeleton_extract_audio.mono import Recording, to_int16
from ml_skeleton_extract_audio.source import DecodeError, open_source
from ml_skeleton_extract_audio.track import open_track

DECODING = "decoding"
STAGES = ("opening", "finding out who it is", "demuxing", DECODING, "queueing and mixing", "resampling", "rounding")
WHOLE = "the whole"


class Watch(Counter[str]):
    """CPU seconds by stage."""

    @contextmanager
    def on(self, stage: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self[stage] += time.process_time() - began


def stages_of(path: bytes, policy: CropPolicy) -> Watch:
    """Return the CPU seconds of each stage of one crop at the end of a file, and of the whole."""
    watch = Watch()
    with watch.on(WHOLE):
        read_song(path, policy)
    with ExitStack() as opened:
        with watch.on("opening"):
            source = opened.enter_context(open_source(path))
        seconds = policy.seconds + PREROLL_S.get(source.codec, PREROLL_OTHERS_S)
        with watch.on("finding out who it is"):
            track = open_track(source, seconds)
            audio_id(track)
        with watch.on("demuxing"):
            packets = list(track.packets_from(track.length_s() - seconds))
        decode = source.decoder.decode
        with watch.on(DECODING):
            for packet in packets:
                decode(packet)
        source.decoder.flush_buffers()
        recording = Recording(source.rate, seconds * source.rate)
        with watch.on("queueing and mixing"):  # and decoding once more, which is taken off
            recording.write(map(decode, packets))
            recording.mix()
        watch["queueing and mixing"] -= watch[DECODING]
        pieces = recording.cut(recording.stop - round(policy.seconds * source.rate), recording.stop)
        soxr_hq = soxr.ResampleStream(source.rate, policy.rate, 1, dtype="float32", quality="HQ")
        with watch.on("resampling"):
            if source.rate != policy.rate:
                for piece in pieces:
                    soxr_hq.resample_chunk(piece)
        with watch.on("rounding"):
            to_int16(pieces, source.rate, policy.rate)
        watch["rounding"] -= watch["resampling"]
    return watch


def main() -> None:
    asked, policy, files = asked_for(__doc__, rounds=8)
    songs, total = 0, Watch()
    for path in files:
        try:
            rounds = [stages_of(path, policy) for _ in range(asked.rounds)]
        except (DecodeError, ValueError):  # no sound, or damage that only a real run knows how to deal with
            continue
        songs += 1
        total.update({stage: statistics.median(one[stage] for one in rounds) for stage in (*STAGES, WHOLE)})
    if not songs:
        sys.exit(f"{asked.library}: no file in it could be read")
    total["what is left of the whole"] = total[WHOLE] - sum(total[stage] for stage in STAGES)
    print(f"{songs} songs, CPU time of a crop of {asked.seconds:g} s")
    for stage in (*STAGES, "what is left of the whole", WHOLE):
        print(f"{stage:<26} {total[stage] / songs * 1000:7.2f} ms  {total[stage] / total[DECODING]:5.2f} of decoding")


if __name__ == "__main__":
    main()
