# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A link to a server that can be made slow, or cut and mended, while the server itself is well."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

CHUNK_BYTES = 65536


class SlowLink:
    """Carries bytes between a socket file of its own and a server's.

    Attributes:
        delay: seconds by which each answer of the server comes later.
    """

    def __init__(self, server: Path) -> None:
        self.delay = 0.0
        self._server = server
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry the bytes of one connection until either end closes it."""
        try:
            server_reader, server_writer = await asyncio.open_unix_connection(self._server)
        except OSError:
            writer.close()
            return
        async with asyncio.TaskGroup() as group:
            there = group.create_task(self._carry(reader, server_writer, slow=False))
            back = group.create_task(self._carry(server_reader, writer, slow=True))
            self._open |= {there: server_writer, back: writer}

    def lead_to(self, server: Path) -> None:
        """Cut all connections; who connects anew reaches another server."""
        self._server = server
        for writer in self._open.values():
            writer.close()

    async def close(self) -> None:
        """Close what is open, and wait for answers that are held back, so that none comes later."""
        for writer in self._open.values():
            writer.close()
        await asyncio.gather(*self._open)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slow: bool
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                if slow and self.delay:
                    await asyncio.sleep(self.delay)
                if writer.is_closing():  # nobody waits for it any more
                    break
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def slow_link(server: Path, path: Path) -> AsyncGenerator[SlowLink, None]:
    """Open a link to a server's socket file.

    Args:
        server: the server's socket file.
        path: the socket file to listen on; at most 107 characters.
    """
    link = SlowLink(server)
    listener = await asyncio.start_unix_server(link.serve, path)
    try:
        yield link
    finally:
        listener.close()
        await link.close()
