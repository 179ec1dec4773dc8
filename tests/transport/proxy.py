"""A proxy that passes on what it is asked for by whole addresses, and makes tunnels.

As RFC 9112, 3.2.2 and RFC 9110, 9.3.6 have it.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """Serves on this machine from another thread; each connection is for one request."""

    def __init__(self) -> None:
        self.routes: list[str] = []

    def __enter__(self) -> Self:
        routes = self.routes

        class Passing(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                method, target, version = self.rfile.readline().split()
                tunnel = method == b"CONNECT"
                wanted = urlsplit(b"//" + target if tunnel else target)
                assert wanted.hostname is not None
                routes.append("tunnel" if tunnel else wanted.path.decode())
                where = wanted.hostname.decode(), wanted.port or 80
                with socket.create_connection(where) as server:
                    path = wanted._replace(scheme=b"", netloc=b"").geturl()
                    head = [b"%s %s %s\r\nConnection: close\r\n" % (method, path, version)]
                    head += [
                        line
                        for line in iter(self.rfile.readline, b"\r\n")
                        if not line.lower().startswith((b"connection:", b"proxy-"))
                    ]
                    if tunnel:
                        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                    else:
                        server.sendall(b"".join([*head, b"\r\n"]))
                    back = threading.Thread(target=pass_on, args=(server, self.connection))
                    back.start()
                    # Until the client has gone, or the other thread has shut the connection.
                    with contextlib.suppress(OSError):
                        while piece := self.rfile.read1():
                            server.sendall(piece)
                        server.shutdown(socket.SHUT_RDWR)
                    back.join()

        class Serving(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Serving(("127.0.0.1", 0), Passing)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def pass_on(server: socket.socket, client: socket.socket) -> None:
    """Give the client all that comes from the server."""
    with contextlib.suppress(OSError):
        while piece := server.recv(65536):
            client.sendall(piece)
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)
