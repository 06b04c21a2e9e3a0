"""What has to be known of an Ogg file that FFmpeg does not tell: whether it is several files, one behind the other."""

from ml_skeleton_extract_audio.source import LocalFile

PAGE_BYTES = 65307  # the largest there is (RFC 3533, section 6)
HEADER_BYTES = 27  # then one byte for each segment of the page, at most 255
BEGINS_STREAM = 2  # flag of the first page of a logical stream


def is_chained(file: LocalFile) -> bool:
    """Return whether `file` is Ogg and ends in another logical stream than those it begins with.

    FFmpeg decodes such files, but their times start again with each stream.
    """
    begun = set()
    position = 0
    while (page := file.read_at(position, HEADER_BYTES + 255)).startswith(b"OggS") and page[5] & BEGINS_STREAM:
        begun.add(_serial(page))
        segments = page[26]
        position += HEADER_BYTES + segments + sum(page[HEADER_BYTES : HEADER_BYTES + segments])
    if not begun:
        return False
    tail = file.read_at(max(0, file.size - PAGE_BYTES), PAGE_BYTES)
    last_page = tail[tail.rfind(b"OggS") :]
    return len(last_page) >= HEADER_BYTES and _serial(last_page) not in begun


def _serial(page: bytes) -> bytes:
    return page[14:18]
