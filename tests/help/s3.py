"""A server that speaks S3, on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import ProxyHandler, Request, build_opener

BUCKET = "podium"
# Any will do: they must be there.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "anyone", "AWS_SECRET_ACCESS_KEY": "anything"}


@contextmanager
def s3_server() -> Iterator[str]:
    """The address of moto's server, which has an empty bucket."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        opener = build_opener(ProxyHandler({}))
        opener.open(Request(f"{address}/{BUCKET}", method="PUT"), timeout=30).close()
        yield address
    finally:
        server.stop()
