"""Opens an audio file for FFmpeg, and says in one line why it cannot be read.

The file is opened by Python and handed to FFmpeg open: no name, whatever bytes it
holds, can then be taken for a protocol ("http:", "concat:"), and no list inside a
file can make FFmpeg open another one. This costs nothing against FFmpeg's own
reading (measured: 5.0 ms a track for both).
"""

import ctypes
import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TypeAlias

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

AudioPacket: TypeAlias = "Packet[AudioStream]"  # generic to the type checker, not to Python

READ_BYTES = 32 * 1024  # a read; a seek in Ogg or FLAC makes a dozen of them
KEPT_MEMORY_BYTES = 32 * 2**20  # the most that mallopt accepts
MALLOC_TRIM_THRESHOLD, MALLOC_MMAP_THRESHOLD = -1, -3  # malloc.h
RATES = range(1000, 1_000_000)  # Hz; a broken header can state anything

# Demuxers of files that listeners have. Left out above all are those that read a list of other files or addresses.
FORMATS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,iff,loas,matroska,mlp,mov,mp3,mpc,mpc8,mpeg,"
    "mpegts,nut,oma,ogg,osq,qoa,rm,shn,tak,truehd,tta,voc,w64,wav,wsd,wv,xwma"
)


class DecodeError(Exception):
    """A song that gives no crops; the text is one short line without the path.

    `transient` tells that the file may well be readable next time (unmounted
    disk, no permission, read error), as nothing is known against its content.
    """

    def __init__(self, reason: str, *, transient: bool = False) -> None:
        super().__init__(reason)
        self.transient = transient

    def __reduce__(self) -> tuple[object, ...]:
        return _remade, (str(self), self.transient)


def _remade(reason: str, transient: bool) -> DecodeError:
    return DecodeError(reason, transient=transient)


class LocalFile(io.FileIO):
    """A regular file, opened for reading, that counts what is read of it."""

    def __init__(self, path: str | bytes | Path) -> None:
        if not stat.S_ISREG(os.stat(path).st_mode):  # asked first, as opening a named pipe would wait for a writer
            raise DecodeError("a directory" if os.path.isdir(path) else "not a regular file")
        super().__init__(path, "rb")
        self.size = os.fstat(self.fileno()).st_size
        self.bytes_read = 0
        extension = os.path.splitext(os.fsdecode(path))[1]
        self.name = f"song{extension}" if extension.isascii() else "song"  # all that FFmpeg gets to know

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes."""
        chunk = super().read(size) or b""
        self.bytes_read += len(chunk)
        return chunk

    def seek(self, position: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to `position`; return a negative error number if there is none.

        Damaged files send FFmpeg to impossible places. It understands such a
        number; an exception would be printed on standard error and dropped.
        """
        try:
            return super().seek(position, whence)
        except OSError as error:
            return -(error.errno or errno.EIO)

    def read_at(self, position: int, size: int) -> bytes:
        """Return `size` bytes from `position`, fewer at the end of the file. FFmpeg's place in the file stays."""
        chunk = os.pread(self.fileno(), size, position)
        self.bytes_read += len(chunk)
        return chunk


class AudioSource:
    """The best audio stream of an open file: its packets from the start, and its decoder."""

    def __init__(self, file: LocalFile) -> None:
        self.file = file
        self._open()
        self.format: str = self.container.format.name
        self.codec: str = self.decoder.codec.canonical_name
        self.rate: int = self.decoder.sample_rate or 0
        if self.rate not in RATES:
            raise DecodeError(f"a sample rate of {self.rate} Hz")

    def _open(self) -> None:
        self.container = _open_container(self.file)
        stream = self.container.streams.best("audio")
        if not isinstance(stream, AudioStream) or not stream.time_base:
            raise DecodeError("no audio stream")
        if not isinstance(stream.codec_context, AudioCodecContext):
            raise DecodeError("FFmpeg has no decoder for its audio")
        self.stream, self.decoder = stream, stream.codec_context
        self.decoder.thread_count = 1  # processes are what runs in parallel
        self.time_base: Fraction = stream.time_base
        self.damage: str | None = None  # why the packets ended before the file did

    def reopen(self) -> None:
        """Go back to the first packet and to a fresh decoder, whatever a failed seek has left behind."""
        self.close()
        self.file.seek(0)
        self._open()

    def close(self) -> None:
        self.container.close()

    @property
    def stated_s(self) -> float | None:
        """The length that the file states, in seconds; it may be missing, an estimate or wrong."""
        if self.stream.duration:
            return float(self.stream.duration * self.time_base)
        return self.container.duration / 1_000_000 if self.container.duration else None

    def packets(self) -> Iterator[AudioPacket]:
        """Yield the packets from where the container stands to the end of what can be read."""
        try:
            for packet in self.container.demux(self.stream):
                if not packet.size:  # the mark of the end
                    return
                yield packet
        except av.error.PatchWelcomeError:
            raise DecodeError("the audio format changes within the file") from None
        except av.FFmpegError as error:
            self.damage = f"damaged: {_sentence(error)}"


@cache
def _prepare_process() -> None:
    """Make FFmpeg silent, and keep freed memory for the next song.

    Given back to the kernel and asked for again, the same 12 MB cost each song
    3,000 page faults, an eighth of its CPU time. Of the C library of GNU only.
    """
    av.logging.set_level(None)  # it would write its findings on standard error
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(MALLOC_MMAP_THRESHOLD, KEPT_MEMORY_BYTES)
        libc.mallopt(MALLOC_TRIM_THRESHOLD, KEPT_MEMORY_BYTES)


@contextmanager
def open_source(path: str | bytes | Path) -> Iterator[AudioSource]:
    """Yield the audio of the file at `path`; raise DecodeError, also for what goes wrong while it is open."""
    _prepare_process()
    try:
        with LocalFile(path) as file:
            if not file.size:
                raise DecodeError("an empty file")
            with closing(AudioSource(file)) as source:
                yield source
    except av.FFmpegError as error:  # before OSError, of which some of these are kinds
        raise DecodeError(_sentence(error)) from None
    except OSError as error:
        raise DecodeError(_sentence(error), transient=True) from None


def _open_container(file: LocalFile) -> InputContainer:
    try:
        return av.open(
            file,
            "r",
            metadata_errors="replace",
            buffer_size=READ_BYTES,
            container_options={"format_whitelist": FORMATS, "protocol_whitelist": "none"},
        )
    except av.FFmpegError:  # of many kinds: invalid data, end of file, an argument that is not in FORMATS
        raise DecodeError("not an audio file, or its header is damaged") from None


def _sentence(error: OSError | av.FFmpegError) -> str:
    text = " ".join((error.strerror or str(error)).split())
    return text[:1].lower() + text[1:]
