"""A TCP proxy that delays every octet by half a round trip in each direction; `python benchmarks/delaying_proxy.py PORT RTT_SECONDS`.

It prints its own port on a line, serves until its standard input ends, and never for longer than an hour.
"""

from __future__ import annotations

import asyncio
import sys

LONGEST_SECONDS = 3600
OCTETS = 65_536


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Passes octets on in order, each `seconds` after it came."""
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    async def receive() -> None:
        while data := await reader.read(OCTETS):
            waiting.put_nowait((loop.time() + seconds, data))
        waiting.put_nowait((loop.time() + seconds, b""))

    receiving = asyncio.create_task(receive())
    try:
        while True:
            due, data = await waiting.get()
            await asyncio.sleep(due - loop.time())
            if not data:
                break
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        receiving.cancel()
        writer.close()


async def serve(port: int, round_trip: float) -> None:
    """Serves until standard input ends."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(round_trip / 2)  # the handshake of TCP takes its time as well
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            relay(reader, there_writer, round_trip / 2),
            relay(there_reader, writer, round_trip / 2),
            return_exceptions=True,
        )

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    async with server:
        await asyncio.wait([ended], timeout=LONGEST_SECONDS)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
