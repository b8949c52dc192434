"""`python -m bullstra_sandbox --port 0 --ready-file PATH`."""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import signal
import threading
import time
from datetime import datetime, timezone

from . import __version__


def main() -> None:
    """Serves on the loopback interface until told to stop."""
    parser = argparse.ArgumentParser(prog="bullstra_sandbox", description=__doc__)
    parser.add_argument(
        "--host", default="127.0.0.1", help="another only inside a container: anyone who reaches it owns it"
    )
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--ready-file", help="written once the sandbox listens")
    parser.add_argument("--threads", type=int, default=64, help="calls under way at once")
    parser.add_argument("--detach", action="store_true", help="leave the session of the terminal")
    parser.add_argument("--label", default=__version__, help="what to give out as the version")
    parser.add_argument("--idle-seconds", type=float, default=0, help="end after so long without a call; 0: never")
    parser.add_argument("--version", action="version", version=__version__)
    options = parser.parse_args()

    if options.detach:
        os.setsid()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # A queue of waiting calls is what parallel clients and one lock make; waitress warns of each.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    serve(options)


def serve(options: argparse.Namespace) -> None:
    """Listens, says so, and answers."""
    from waitress.server import create_server

    from .server import Sandbox

    application = Sandbox()
    # What is loaded by now stays: looking through it for garbage takes a quarter of a second each time.
    gc.freeze()
    server = create_server(
        application,
        host=options.host,
        port=options.port,
        threads=options.threads,
        connection_limit=2000,
        channel_timeout=600,
        clear_untrusted_proxy_headers=False,
        ident="bullstra-sandbox",
    )
    # Nothing is kept, so that nothing has to be finished: neither calls that are held nor threads that are idle.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: os._exit(0))
    if options.idle_seconds > 0:
        threading.Thread(target=stop_when_idle, args=(application, options.idle_seconds), daemon=True).start()
    if options.ready_file:
        announce(options.ready_file, f"http://{options.host}:{server.effective_port}", options.label)
    server.run()


def announce(path: str, endpoint: str, version: str) -> None:
    """Writes the ready file in one step: who waits for it never reads half of it."""
    written = f"{path}.{os.getpid()}"
    started = datetime.now(timezone.utc).isoformat()
    with open(written, "w", encoding="utf-8") as file:
        json.dump({"endpoint": endpoint, "pid": os.getpid(), "version": version, "started": started}, file)
    os.replace(written, path)


def stop_when_idle(application: object, seconds: float) -> None:
    """Ends the process once nobody has asked anything for `seconds`."""
    while time.time() - application.last_request < seconds:  # type: ignore[attr-defined]
        time.sleep(min(1.0, seconds / 4))
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
