"""The packets of a file that has to be read from end to end."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from itertools import chain

from ml_skeleton_extract_audio.source import AudioPacket, AudioSource, DecodeError


class Reel:
    """All packets of a source, the last ones of them in memory."""

    def __init__(self, source: AudioSource, keep_s: float) -> None:
        """Read `source` to its end and keep the packets of the last `keep_s` seconds."""
        self._source = source
        unread = source.packets()
        first = next(unread, None)
        if first is None:
            raise DecodeError("no audio in it")
        packet_s = float((first.duration or 1) * source.time_base)
        kept = deque(chain([first], unread), maxlen=int(keep_s / packet_s) + 2)
        self._kept = list(kept)
        self.first, self.last = first, self._kept[-1]

    def packets_since(self, pts: int) -> Iterator[AudioPacket]:
        """Yield the packets from the one that begins at or before `pts`; from the first if that is not in memory."""
        position = bisect_right(self._kept, pts, key=lambda packet: packet.pts or 0) - 1
        if position < 0 and self._kept[0] is not self.first:
            self._source.reopen()
            return self._source.packets()
        self._source.decoder.flush_buffers()
        return iter(self._kept[max(0, position) :])
