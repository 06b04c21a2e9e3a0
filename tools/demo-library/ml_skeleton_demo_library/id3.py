"""ID3 tags in UTF-8, for MP3 and WAV: what libsndfile writes there, players show as Latin-1 or not at all."""

from pathlib import Path

FRAMES = {
    "title": b"TIT2",
    "artist": b"TPE1",
    "album": b"TALB",
    "tracknumber": b"TRCK",
    "date": b"TDRC",
    "genre": b"TCON",
}
UTF_8 = b"\x03"
RIFF_SIZE_AT = 4  # bytes into a WAV file; counts everything behind it


def add_id3(path: Path, tags: dict[str, str]) -> None:
    """Add an ID3 2.4 tag to an MP3 file, at its start, or to a WAV file, as its last chunk."""
    audio, tag = path.read_bytes(), _tag(tags)
    if path.suffix == ".mp3":
        path.write_bytes(tag + audio)
        return
    padded = tag + b"\0" * (len(tag) % 2)
    chunks = audio[RIFF_SIZE_AT + 4 :] + b"id3 " + len(tag).to_bytes(4, "little") + padded
    path.write_bytes(audio[:RIFF_SIZE_AT] + len(chunks).to_bytes(4, "little") + chunks)


def _tag(tags: dict[str, str]) -> bytes:
    frames = b"".join(_frame(FRAMES[name], text) for name, text in tags.items())
    return b"ID3\x04\0\0" + _size(frames) + frames


def _frame(name: bytes, text: str) -> bytes:
    content = UTF_8 + text.encode()
    return name + _size(content) + b"\0\0" + content


def _size(content: bytes) -> bytes:
    """Return the length of `content` in four bytes of seven bits each."""
    return bytes(len(content) >> shift & 0x7F for shift in (21, 14, 7, 0))
