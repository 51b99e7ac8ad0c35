"""Files in the stream: order, limits of memory, ends, and files that turn out to be something else."""

from __future__ import annotations

import gzip
import io
import os
import socket
import tempfile
import zipfile

import pytest

from reactor import CloseTimeout, FileTruncated, Timeouts, WriteTimeout
from reactor.sockets.sendfile import FileCarrier, FileJob
from reactor.testing import Recorder
from reactor.transports.stream import StreamTransport
from tests.kit.guards import instances
from tests.kit.tls import Peer, client_context, server_context

CONTENT = bytes(range(256)) * 40_000  # 10 MB: more than the kernel takes at once


@pytest.fixture
def file(tmp_path):
    (tmp_path / "file").write_bytes(CONTENT)
    with open(tmp_path / "file", "rb") as file:
        yield file


@pytest.fixture(params=["a regular file", "a file in memory"])
def any_file(request, file):
    return file if request.param == "a regular file" else io.BytesIO(CONTENT)


class Server(Recorder):
    """Keeps its futures' results."""

    def connection_made(self, transport):
        super().connection_made(transport)
        self.sent = []

    def send(self, *args, **options):
        future = self.transport.sendfile(*args, **options)
        future.add_done_callback(lambda future: self.sent.append(future.exception() or future.result()))
        return future


def connect(stage, **options):
    server = Server()
    sock, transport = stage.connect(server, **options)
    return server, sock, transport


def receive_all(stage, sock):
    """Until the end; no clean one, where bytes were lost."""
    while stage.received(sock):
        pass


def test_a_file_stays_between_what_was_written_before_and_after(stage, any_file):
    server, sock, transport = connect(stage)
    transport.write(b"head")
    server.send(any_file)
    transport.write(b"between")
    server.send(any_file, 10, 5)
    transport.write(b"tail")
    assert stage.received(sock) == b"head" + CONTENT + b"between" + CONTENT[10:15] + b"tail"
    assert server.sent == [len(CONTENT), 5]
    assert transport.bytes_out == 4 + len(CONTENT) + 7 + 5 + 4
    assert transport.get_write_buffer_size() == 0


def test_a_file_after_much_that_waits(stage, file):
    server, sock, transport = connect(stage)
    written = stage.clog(transport)
    server.send(file, 0, 1000)
    assert stage.received(sock) == bytes(written) + CONTENT[:1000]
    assert server.events.count("pause_writing") == server.events.count("resume_writing") == 1


def test_a_file_is_not_in_memory(stage, file):
    server, _, transport = connect(stage)
    server.send(file)
    stage.reactor.settle()
    assert not server.sent
    assert transport.get_write_buffer_size() == 1  # a placeholder
    assert "pause_writing" not in server.events


@pytest.mark.parametrize(
    ("offset", "count", "sent"),
    [(0, None, CONTENT), (5, None, CONTENT[5:]), (0, 0, b""), (7, 3, CONTENT[7:10]), (len(CONTENT), None, b"")],
)
def test_offset_and_count(stage, any_file, offset, count, sent):
    server, sock, transport = connect(stage)
    position = any_file.tell()
    server.send(any_file, offset, count)
    assert stage.received(sock) == sent
    assert server.sent == [len(sent)]
    if isinstance(any_file, io.BufferedReader):
        assert any_file.tell() == position
    transport.write(b"after")
    assert stage.received(sock) == b"after"


def test_an_empty_file_and_what_the_program_has_not_flushed(stage, tmp_path):
    server, sock, _ = connect(stage)
    with open(tmp_path / "new", "w+b") as file:
        server.send(file)
        stage.reactor.settle()
        file.write(b"in Python's buffer")
        server.send(file)
        assert stage.received(sock) == b"in Python's buffer"
    assert server.sent == [0, 18]


def test_close_waits_for_the_file(stage, any_file):
    server, sock, transport = connect(stage)
    server.send(any_file)
    transport.close()
    assert stage.received(sock) == CONTENT
    sock.close()
    stage.reactor.settle()
    assert server.sent == [len(CONTENT)]
    assert server.lost is None
    assert server.events[-1] == "connection_lost"


def test_a_file_over_tls(stage, any_file):
    server = Server()
    sock = stage.dial(stage.serve(lambda: server, tls=server_context()))
    peer = Peer(stage, sock, client_context()).shake()
    peer.flush()
    server.transport.write(b"head")
    server.send(any_file)
    server.transport.write(b"tail")
    heard = b""
    while part := peer.hear():
        heard += part
    assert heard == b"head" + CONTENT + b"tail"
    assert server.sent == [len(CONTENT)]


def test_tls_begins_behind_a_file(stage, file):
    server, sock, transport = connect(stage)
    server.send(file)
    future = transport.start_tls(server_context(), server_side=True)
    transport.write(b"secret")
    assert stage.received(sock) == CONTENT
    peer = Peer(stage, sock, client_context()).shake()
    peer.flush()
    assert future.done()
    assert peer.hear() == b"secret"
    server.send(file, 0, 100)
    assert peer.hear() == CONTENT[:100]


def test_a_slow_reader_is_not_cut_while_the_file_moves_and_a_stalled_one_is(stage, file):
    server, sock, transport = connect(stage, receive_buffer=4096, timeouts=Timeouts(write=20, close=20))
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
    future = server.send(file)
    transport.close()
    stage.reactor.settle()
    for _ in range(4):
        for _ in range(50):
            sock.recv(1 << 16)
            stage.reactor.settle()
        stage.reactor.advance(15)
        assert not future.done()
    stage.reactor.advance(25)
    assert isinstance(server.lost, CloseTimeout)
    assert server.sent == [server.lost]


def test_a_stalled_reader_of_a_file_is_lost_at_the_write_timeout(stage, file):
    server, _, _ = connect(stage, receive_buffer=4096, timeouts=Timeouts(write=20))
    server.send(file)
    stage.reactor.advance(25)
    assert isinstance(server.lost, WriteTimeout)
    assert server.sent == [server.lost]


def test_a_file_that_shrinks_is_a_named_error_and_a_reset(stage, tmp_path):
    path = tmp_path / "shrinks"
    path.write_bytes(CONTENT)
    server, sock, transport = connect(stage)
    with open(path, "rb") as file:
        server.send(file)
        transport.write(b"tail")
        stage.reactor.settle()
        os.truncate(path, 1000)
        with pytest.raises(ConnectionResetError):
            receive_all(stage, sock)
        assert isinstance(server.lost, FileTruncated)
        assert f"of the {len(CONTENT)} bytes" in str(server.lost)
        assert server.sent == [server.lost]


def test_more_asked_for_than_there_is_is_a_named_error(stage, any_file):
    server, sock, _ = connect(stage)
    server.send(any_file, 0, len(CONTENT) + 1)
    with pytest.raises(ConnectionResetError):
        receive_all(stage, sock)
    assert isinstance(server.sent[0], FileTruncated)


def test_a_file_that_the_program_closes_too_early(stage, any_file):
    server, _, _ = connect(stage)
    server.send(any_file)
    any_file.close()
    stage.reactor.settle()
    assert isinstance(server.lost, OSError)
    assert "closed file" in str(server.lost)


def test_a_connection_that_ends_fails_the_files_that_wait(stage, file):
    server, sock, transport = connect(stage)
    server.send(file)
    server.send(file)
    stage.reactor.settle()
    transport.abort()
    assert not server.sent  # nobody is called from inside
    stage.reactor.settle()
    assert [type(error) for error in server.sent] == [ConnectionAbortedError] * 2
    server, sock, transport = connect(stage)
    server.send(file)
    stage.reset(sock)
    assert isinstance(server.sent[0], (ConnectionResetError, BrokenPipeError))


def test_files_that_fail_do_not_wait_for_the_garbage_collector(no_gc, stage, file, caplog):
    caplog.set_level("CRITICAL", logger="reactor")  # a record would hold on to its transport
    server, sock, transport = connect(stage)
    server.send(file)
    server.send(file)
    stage.reset(sock)
    assert len(server.sent) == 2
    server.sent.clear()
    server.lost = server.transport = None
    del transport
    assert instances(FileJob, FileCarrier, StreamTransport) == []


def test_after_close_nothing_is_sent_and_after_write_eof_it_is_a_bug(stage, file):
    server, _, transport = connect(stage)
    transport.close()
    server.send(file)
    assert isinstance(server.sent[0], ConnectionAbortedError)
    assert stage.reactor.stats()["ignored_writes"] == 1
    server, _, transport = connect(stage)
    transport.write_eof()
    with pytest.raises(RuntimeError):
        transport.sendfile(file)


def test_a_cancelled_file_is_left_out_unless_it_is_being_sent(stage, file):
    server, sock, transport = connect(stage)
    first, second = transport.sendfile(file), transport.sendfile(file)
    transport.write(b"tail")
    stage.reactor.settle()
    assert not first.cancel()
    assert second.cancel()
    assert stage.received(sock) == CONTENT + b"tail"
    assert first.result(0) == len(CONTENT)
    assert server.lost is None


def test_what_cannot_be_sent_is_refused_at_the_call(stage, tmp_path):
    _, _, transport = connect(stage)
    (tmp_path / "text").write_text("text")
    reading, writing = os.pipe()
    os.close(writing)
    with open(tmp_path / "text") as text, pytest.raises(TypeError, match="binary"):
        transport.sendfile(text)
    with open(reading, "rb") as pipe, pytest.raises(ValueError, match="can seek"):
        transport.sendfile(pipe)
    with pytest.raises(ValueError, match="negative"):
        transport.sendfile(io.BytesIO(b"x"), -1)
    with pytest.raises(ValueError, match="closed"):
        transport.sendfile(pipe)


def test_the_socket_is_still_the_socket(stage, file):
    server, _, transport = connect(stage)
    before = transport.get_extra_info("socket")
    server.send(file)
    stage.reactor.settle()
    assert transport.get_extra_info("socket") is before
    assert transport.get_extra_info("sockname") == before.getsockname()


def test_where_the_kernel_cannot_copy_the_file_is_read(stage, file, monkeypatch):
    def unsupported(*args):
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "sendfile", unsupported)
    server, sock, _ = connect(stage)
    server.send(file)
    assert stage.received(sock) == CONTENT
    assert server.sent == [len(CONTENT)]


def test_a_compressed_file_is_sent_as_it_reads(stage, tmp_path):
    """Its descriptor is that of the bytes on the disk."""
    server, sock, _ = connect(stage)
    with gzip.open(tmp_path / "file.gz", "wb") as file:
        file.write(CONTENT[:1000])
    with gzip.open(tmp_path / "file.gz") as file:
        server.send(file)
        assert stage.received(sock) == CONTENT[:1000]
    with tempfile.NamedTemporaryFile() as file:  # while a wrapper around a regular file is one
        file.write(CONTENT[:1000])
        assert FileJob(file, 0, None)._is_regular


@pytest.mark.loud
def test_a_fault_in_the_files_own_code_ends_only_that_connection(stage, tmp_path, caplog):
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("member", CONTENT[:1000])
    (tmp_path / "zip").write_bytes((tmp_path / "zip").read_bytes().replace(CONTENT[:256], bytes(256), 1))
    server, _, _ = connect(stage)
    with zipfile.ZipFile(tmp_path / "zip") as archive, archive.open("member") as member:
        future = server.send(member, 0, 1000)
        stage.reactor.settle()
    assert isinstance(future.exception(0), zipfile.BadZipFile)
    assert isinstance(server.lost, zipfile.BadZipFile)
    assert caplog.text.count("Traceback") == 1
    other, sock, transport = connect(stage)
    transport.write(b"well")
    assert stage.received(sock) == b"well"
    assert other.lost is None


@pytest.mark.parametrize("offset", [len(CONTENT), 1 << 63, 1 << 80])
def test_an_offset_beyond_the_end(stage, any_file, offset):
    server, sock, transport = connect(stage)
    transport.write(b"before")
    server.send(any_file, offset)
    assert stage.received(sock) == b"before"
    assert server.sent == [0]
    server.send(any_file, offset, 1)
    stage.reactor.settle()
    assert isinstance(server.lost, FileTruncated)
    assert server.sent == [0, server.lost]


@pytest.mark.parametrize("where", [(1.5,), (0, 2.5), ("0",)])
def test_what_counts_no_bytes_is_refused_at_the_call(stage, file, where):
    _, sock, transport = connect(stage)
    with pytest.raises(TypeError, match="integer"):
        transport.sendfile(file, *where)
    transport.write(b"after")
    assert stage.received(sock) == b"after"
