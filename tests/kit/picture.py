"""The picture of the chat's page that the documents show: `python3 -m tests.kit.picture protocols/chat/web/page.png`.

A server, people on TCP, and the page in headless Chromium; needs chromium and chromedriver.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.kit.webdriver import MISSING, Driver

ROOT = Path(__file__).resolve().parents[2]
SIZE = (860, 520)


def main(target: Path) -> None:
    options = ["--port", "0", "--web", "0", "--no-console", "--flood-rate", "0", "--log-level", "warning"]
    command = [sys.executable, str(ROOT / "examples/chat_server.py"), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, tempfile.TemporaryDirectory() as home:
        assert server.stdout is not None
        port = int(re.findall(r":(\d+)$", server.stdout.readline().strip())[0])
        link = server.stdout.readline().split()[-1]
        driver = Driver(home)
        try:
            driver.browser(size=SIZE).open(link)
            people = show(driver.browsers[0], port)
            driver.browsers[0].screenshot(target)
            for sock in people:  # who goes before the picture is taken is not in it
                sock.close()
        finally:
            driver.close()
            server.terminate()


def show(page: object, port: int) -> list[socket.socket]:
    page.resize(*SIZE)
    page.until("return !document.querySelector('#ask').hidden")
    page.type("#ask-field", "Ada{enter}")
    page.shows("you are Ada", "#status")
    people = {}
    for name in ("Bob", "Grace", "Linus"):
        people[name] = socket.create_connection(("127.0.0.1", port))
        say(people[name], f"/nick {name}")
    say(people["Linus"], "/join kernel")
    say(people["Bob"], "/topic The first Thursday of the month")
    say(people["Bob"], "hello from a terminal: nc is all I have here")
    page.type("#message", "And I only opened a link.{enter}")
    page.shows("Ada: And I only")
    say(people["Grace"], "/me is here by telnet, as ever")
    say(people["Grace"], "the notes of last time: https://example.com/notes")
    say(people["Bob"], "/msg Ada could you take the minutes?")
    page.shows("minutes")
    page.type("#message", "Thursday is fine with me")
    time.sleep(1.5)  # for the list of rooms
    return list(people.values())


def say(sock: socket.socket, text: str) -> None:
    sock.sendall(f"{text}\n".encode())
    time.sleep(0.4)


if __name__ == "__main__":
    if MISSING:
        sys.exit(MISSING)
    main(Path(sys.argv[1]))
