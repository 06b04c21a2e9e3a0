"""The packets of a file that has to be read from end to end."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain

from ml_skeleton_extract_audio.source import AudioPacket, AudioSource, DecodeError

KEPT_BYTES = 32 * 2**20  # in memory; 14 minutes at 320 kbit/s


class Reel:
    """All packets of a file, the latest KEPT_BYTES of them in memory."""

    def __init__(self, source: AudioSource, packets: Iterable[AudioPacket]) -> None:
        """Keep the latest of `packets`, which are all those of `source`."""
        self._source = source
        unread = iter(packets)
        first = next(unread, None)
        if first is None:
            raise DecodeError("no audio in it")
        kept: deque[AudioPacket] = deque()
        size, self._complete = 0, True
        for packet in chain([first], unread):
            kept.append(packet)
            size += packet.size
            if size > KEPT_BYTES:
                size -= kept.popleft().size
                self._complete = False
        self._kept = list(kept)
        self.first, self.last = first, self._kept[-1]

    def packets(self) -> Iterator[AudioPacket]:
        """Yield all packets, from the file again where they are too many to keep."""
        if self._complete:
            self._source.decoder.flush_buffers()
            return iter(self._kept)
        self._source.reopen()
        return self._source.packets()

    def packets_since(self, pts: int) -> Iterator[AudioPacket]:
        """Yield the packets from the one that begins at or before `pts`."""
        position = bisect_right(self._kept, pts, key=lambda packet: packet.pts or 0) - 1
        if position < 0:
            return self.packets()
        self._source.decoder.flush_buffers()
        return iter(self._kept[position:])
