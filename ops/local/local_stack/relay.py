"""A relay from an address that containers reach to a port on 127.0.0.1, for as long as it is needed."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK_BYTES = 65_536
IP_FREEBIND = 15
"""Linux: bind to an address that isn't there yet. An engine may create its bridge with the first container."""


@contextmanager
def relaying(address: str, target_port: int) -> Iterator[int]:
    """Pass connections at ``address`` on to 127.0.0.1; yield the port that was taken there."""
    listener = socket.socket()
    listener.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    listener.bind((address, 0))
    loop, is_open = asyncio.new_event_loop(), threading.Event()
    thread = threading.Thread(target=_serve, args=(loop, listener, target_port, is_open), daemon=True)
    thread.start()
    is_open.wait()
    try:
        yield listener.getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        listener.close()


def _serve(
    loop: asyncio.AbstractEventLoop, listener: socket.socket, target_port: int, is_open: threading.Event
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            target_reader, target_writer = await asyncio.open_connection("127.0.0.1", target_port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, target_writer), _pump(target_reader, writer))

    asyncio.set_event_loop(loop)
    server = loop.run_until_complete(asyncio.start_server(answer, sock=listener))
    loop.call_soon(is_open.set)
    loop.run_forever()
    server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()
