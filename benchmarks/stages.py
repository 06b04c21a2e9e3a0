"""Where the CPU time of a crop goes, stage by stage and by codec, over that of the bare decode calls.

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
from collections import Counter, defaultdict
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
WHOLE, LEFT = "the whole", "what is left of the whole"
ALL = "all"


class Watch(Counter[str]):
    """CPU seconds by stage."""

    @contextmanager
    def on(self, stage: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self[stage] += time.process_time() - began


def stages_of(path: bytes, policy: CropPolicy) -> tuple[str, Watch]:
    """Return the codec of a file, and the CPU seconds of each stage of one crop at its end, and of the whole."""
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
    watch[LEFT] = watch[WHOLE] - sum(watch[stage] for stage in STAGES)
    return source.codec, watch


def show(totals: dict[str, Watch], songs: Counter[str]) -> None:
    """Print a row for each stage and a column for each codec."""
    codecs = [*sorted(totals.keys() - {ALL}), ALL]
    print(f"{'over decoding':<26}" + "".join(f"{codec:>11}" for codec in codecs))
    for stage in (*STAGES, LEFT, WHOLE):
        print(f"{stage:<26}" + "".join(f"{totals[codec][stage] / totals[codec][DECODING]:>11.2f}" for codec in codecs))
    print(
        f"{'decoding, ms':<26}" + "".join(f"{totals[codec][DECODING] / songs[codec] * 1000:>11.1f}" for codec in codecs)
    )
    print(f"{'songs':<26}" + "".join(f"{songs[codec]:>11}" for codec in codecs))


def main() -> None:
    asked, policy, files = asked_for(__doc__, rounds=8)
    songs: Counter[str] = Counter()
    totals: dict[str, Watch] = defaultdict(Watch)
    for path in files:
        try:
            rounds = [stages_of(path, policy) for _ in range(asked.rounds)]
        except (DecodeError, ValueError):  # no sound, or damage that only a real run knows how to deal with
            continue
        for codec in (rounds[0][0], ALL):
            songs[codec] += 1
            totals[codec].update({stage: statistics.median(one[stage] for _, one in rounds) for stage in rounds[0][1]})
    if not songs:
        sys.exit(f"{asked.library}: no file in it could be read")
    print(f"CPU time of a crop of {asked.seconds:g} s")
    show(totals, songs)


if __name__ == "__main__":
    main()
