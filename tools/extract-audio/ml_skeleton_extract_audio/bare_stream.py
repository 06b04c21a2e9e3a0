"""MP3, ADTS AAC and Musepack: files that are audio frames and nothing else, with tags before and behind.

Tags of any size may come and go; what lies between them is the song. FFmpeg
finds no place in such a file exactly: the first two have no index, and in
Musepack it is one packet (1.7 s) off after a seek.
"""

from dataclasses import dataclass

from ml_skeleton_extract_audio.source import LocalFile

BARE_FORMATS = {"mp3", "aac", "mpc", "mpc8"}  # FFmpeg's demuxers

ID3V1_BYTES = 128
ENHANCED_ID3V1_BYTES = 227
LYRICS_END_BYTES = 15  # six digits of size, then LYRICS200
APE_FOOTER_BYTES = 32
ID3V2_HEADER_BYTES = 10
XING_WITHIN_BYTES = 200  # of the first frame: 4 of header, up to 36 of side information, 120 of Xing
PADDING_BYTES = 4096  # zeros that some taggers leave between the tag and the first frame; looked for this far


@dataclass(frozen=True)
class FrameRegion:
    """The bytes of a file from its first audio frame to its last."""

    start: int
    stop: int


def frame_region(file: LocalFile) -> FrameRegion:
    """Return what lies between the tags: ID3v2 before; ID3v1, Lyrics3, APE and ID3v2 behind, in any order."""
    start, stop = 0, file.size
    while start < stop and (size := _id3v2_bytes(file.read_at(start, ID3V2_HEADER_BYTES))):
        start += size
    start = min(start, stop)
    padding = file.read_at(start, min(PADDING_BYTES, stop - start))
    start += len(padding) - len(padding.lstrip(b"\0"))
    while start < stop and (size := _last_tag_bytes(file, stop)):
        stop = max(start, stop - size)
    return FrameRegion(start, stop)


def promised_bytes(file: LocalFile, region: FrameRegion) -> int | None:
    """Return the size of all frames as the Xing frame of an MP3 states it; None without one."""
    head = file.read_at(region.start, XING_WITHIN_BYTES)
    at = max(head.find(b"Xing"), head.find(b"Info"))
    if at < 0 or len(head) < at + 16:
        return None
    flags = int.from_bytes(head[at + 4 : at + 8], "big")
    if not flags & 2:
        return None
    position = at + (12 if flags & 1 else 8)  # the number of frames comes first, where it is given
    return int.from_bytes(head[position : position + 4], "big")


def _id3v2_bytes(header: bytes) -> int:
    """Return the size of the ID3v2 tag that begins (or, written backwards as 3DI, ends) with `header`; 0 for none."""
    if len(header) < ID3V2_HEADER_BYTES or header[:3] not in (b"ID3", b"3DI") or max(header[6:10]) > 127:
        return 0
    size = header[6] << 21 | header[7] << 14 | header[8] << 7 | header[9]  # seven bits a byte
    has_footer = header[5] & 0x10
    return size + ID3V2_HEADER_BYTES * (2 if has_footer else 1)


def _last_tag_bytes(file: LocalFile, stop: int) -> int:
    """Return the size of the tag that ends at `stop`; 0 for none."""
    tail_start = max(0, stop - ENHANCED_ID3V1_BYTES)
    tail = file.read_at(tail_start, stop - tail_start)
    if tail[-ID3V1_BYTES:].startswith(b"TAG"):
        return ID3V1_BYTES
    if tail.startswith(b"TAG+"):
        return ENHANCED_ID3V1_BYTES
    if tail.endswith(b"LYRICS200") and (digits := tail[-LYRICS_END_BYTES:-9]).isdigit():
        return int(digits) + LYRICS_END_BYTES
    if (footer := tail[-APE_FOOTER_BYTES:]).startswith(b"APETAGEX") and len(footer) == APE_FOOTER_BYTES:
        has_header = footer[23] & 0x80
        return int.from_bytes(footer[12:16], "little") + (APE_FOOTER_BYTES if has_header else 0)
    return _id3v2_bytes(tail[-ID3V2_HEADER_BYTES:]) if tail[-ID3V2_HEADER_BYTES:].startswith(b"3DI") else 0
