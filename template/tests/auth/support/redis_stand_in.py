# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""fakeredis on a port, taught the two things of a real Redis that the service relies on.

Imported only where there is no real Redis, by services that use one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from fakeredis import TcpFakeServer
from fakeredis._clients._tcp_server import TCPFakeRequestHandler
from fakeredis._commands import command
from fakeredis.commands_mixins.server_mixin import ServerCommandsMixin
from redis.exceptions import RedisError

# The deny-list knows a server by its run_id.
INFO = b"# Server\r\nrun_id:stand-in\r\nredis_version:8.0.0\r\nmaxmemory_policy:noeviction\r\n"


class Handler(TCPFakeRequestHandler):
    """Answers an error and goes on; fakeredis itself hangs up, at each script it does not know."""

    def setup(self) -> None:
        """Return errors where fakeredis raises them."""
        super().setup()
        read = self.current_client.read_response

        def read_response(*args: Any, **options: Any) -> Any:
            try:
                return read(*args, **options)
            except RedisError as error:
                return error

        client = self.current_client
        client.read_response = read_response  # type: ignore[method-assign] # no other hook there


def info(_socket: object, *_sections: bytes) -> bytes:
    """Answer INFO, which fakeredis does not know."""
    return INFO


@contextmanager
def stand_in() -> Iterator[str]:
    """Run the server; give its address."""
    mixin = ServerCommandsMixin
    mixin.info = command((), (bytes,), name="info")(info)  # type: ignore[attr-defined] # a new one
    server = TcpFakeServer(("127.0.0.1", 0))
    server.RequestHandlerClass = Handler
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"redis://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
