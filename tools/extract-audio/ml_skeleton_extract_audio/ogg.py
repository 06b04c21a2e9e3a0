"""What FFmpeg does not tell of an Ogg file: whether its times can be relied on."""

from ml_skeleton_extract_audio.source import AudioSource, LocalFile

TIMED_CODECS = {"vorbis", "opus"}  # after a seek in others FFmpeg is wrong by up to a page: Speex 0.9 s, FLAC 0.4 s

PAGE_BYTES = 65307  # the largest there is (RFC 3533, section 6)
HEADER_BYTES = 27  # then one byte for each segment of the page, at most 255
BEGINS_STREAM = 2  # flag of the first page of a logical stream


def has_reliable_times(source: AudioSource) -> bool:
    """Return whether FFmpeg finds a time in `source`; false for some kinds of Ogg only."""
    return source.format != "ogg" or (source.codec in TIMED_CODECS and not _is_chained(source.file))


def _is_chained(file: LocalFile) -> bool:
    """Return whether `file` ends in another logical stream than those it begins with.

    FFmpeg decodes such files, but their times start again with each stream.
    """
    begun = set()
    position = 0
    while (page := file.read_at(position, HEADER_BYTES + 255)).startswith(b"OggS") and page[5] & BEGINS_STREAM:
        begun.add(_serial(page))
        segments = page[26]
        position += HEADER_BYTES + segments + sum(page[HEADER_BYTES : HEADER_BYTES + segments])
    tail = file.read_at(max(0, file.size - PAGE_BYTES), PAGE_BYTES)
    last_page = tail[tail.rfind(b"OggS") :]
    return len(last_page) >= HEADER_BYTES and _serial(last_page) not in begun


def _serial(page: bytes) -> bytes:
    return page[14:18]
