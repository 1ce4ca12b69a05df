"""The server process: MiniStack, bound to loopback, with the extensions of this package.

    python -m local_cloud.server DIRECTORY PORT [--auth] [--persist] [--detached]

Port 0 takes a free one. Ready when DIRECTORY/state.json names this process. Unless detached it ends
when its standard input does, that is, with the process that started it.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

from local_cloud.directory import DEFAULT_REGION, Layout, ServerState, write_state


def main() -> None:
    """Runs until told to stop."""
    arguments = _arguments()
    layout = Layout(Path(arguments.directory))
    listener = _listener(arguments.port)
    port = listener.getsockname()[1]
    # MiniStack reads its settings when it is imported, so nothing may import it before this line.
    os.environ.update(_settings(layout, port, auth=arguments.auth, persist=arguments.persist))
    token = os.environ.pop("LOCAL_CLOUD_TOKEN")
    state = ServerState(os.getpid(), port, token, arguments.auth, arguments.persist)
    asyncio.run(_serve(layout, state, listener, watch_parent=not arguments.detached))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("port", type=int)
    for flag in ("--auth", "--persist", "--detached"):
        parser.add_argument(flag, action="store_true")
    return parser.parse_args()


def _listener(port: int) -> socket.socket:
    # Bound here and handed over, so that no other process can take a free port in between.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.setblocking(False)
    listener.set_inheritable(True)
    return listener


def _settings(layout: Layout, port: int, *, auth: bool, persist: bool) -> dict[str, str]:
    settings = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "AUTH": "true" if auth else "false",
        "MINISTACK_REGION": DEFAULT_REGION,
        "LOG_LEVEL": "ERROR",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent",
    }
    if persist:
        settings |= {
            "PERSIST_STATE": "1",
            "STATE_DIR": str(layout.data / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(layout.data / "s3"),
        }
    return settings


async def _serve(
    layout: Layout, state: ServerState, listener: socket.socket, *, watch_parent: bool
) -> None:
    import hypercorn.asyncio

    from local_cloud import extensions

    loop, stop = asyncio.get_running_loop(), _stop_by_signal()
    if watch_parent:
        _stop_with_parent(loop, stop)
    application = extensions.install(layout, state, lambda: _set(loop, stop))
    listener.listen(256)
    write_state(layout, state)
    try:
        await hypercorn.asyncio.serve(
            application, _configured(listener), shutdown_trigger=stop.wait
        )
    finally:
        extensions.uninstall()
        layout.state.unlink(missing_ok=True)
    _leave()


def _configured(listener: socket.socket) -> Any:
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.accesslog = config.errorlog = None
    config.graceful_timeout = config.shutdown_timeout = 1.0
    config.keep_alive_timeout = 60.0
    return config


def _leave() -> NoReturn:
    """Worker threads may still wait for children that are gone; nothing is left to save."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


def _stop_by_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _set(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    loop.call_soon_threadsafe(stop.set)


def _stop_with_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    def watch() -> None:
        while os.read(
            sys.stdin.fileno(), 1024
        ):  # without Python's buffer, whose lock it would keep
            pass
        _set(loop, stop)

    threading.Thread(target=watch, daemon=True, name="parent").start()


if __name__ == "__main__":
    main()
