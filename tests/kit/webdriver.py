"""A browser without a window, driven by WebDriver's HTTP (W3C) with nothing but the standard library."""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import subprocess
import time

from tests.kit.ports import HeldPort

DEADLINE = 60  # seconds after which a scene has failed; a loaded machine starts a browser slowly
KEYS = {"enter": "\ue007", "tab": "\ue004", "escape": "\ue00c", "shift": "\ue008", "null": "\ue000"}
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # W3C WebDriver, 12

chromium = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
chromedriver = shutil.which("chromedriver")
MISSING = None if chromium and chromedriver else "chromium and chromedriver are not installed"


class Driver:
    """The chromedriver process, and the browsers it has started."""

    def __init__(self, profile):
        self._held = HeldPort()
        self.port = self._held.number
        self.process = subprocess.Popen(
            [chromedriver, f"--port={self.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(profile)},
        )  # fmt: skip
        self.profile = profile
        self.browsers = []
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                self.call("GET", "/status")
                return
            except OSError:
                assert time.monotonic() < deadline, "chromedriver does not start"
                time.sleep(0.05)

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            value = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(value, dict) and "error" in value:
            raise RuntimeError(f"{method} {path}: {value['error']}: {value['message'].splitlines()[0]}")
        return value

    def browser(self, *, size=(1000, 700)):
        arguments = [
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--lang=en",
            f"--window-size={size[0]},{size[1]}", "--disable-background-networking", "--force-device-scale-factor=1",
        ]  # fmt: skip
        options = {"binary": chromium, "args": arguments, "prefs": {"intl.accept_languages": "en"}}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        made = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.browsers.append(Browser(self, made["sessionId"]))
        return self.browsers[-1]

    def close(self):
        for browser in self.browsers:
            browser.close()
        self.process.terminate()
        self.process.wait()
        self._held.close()


class Browser:
    """One browser with its own storage; a page in it at a time."""

    def __init__(self, driver, session):
        self.driver = driver
        self.path = f"/session/{session}"

    def call(self, method, path, body=None):
        return self.driver.call(method, self.path + path, body)

    def open(self, url):
        self.call("POST", "/url", {"url": url})
        return self

    def run(self, script, *arguments):
        """The value of a function's body."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def devtools(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def find(self, selector):
        return self.call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def type(self, selector, text):
        """Keys, pressed one by one; names of KEYS stand in braces: {enter}."""
        for name, key in KEYS.items():
            text = text.replace(f"{{{name}}}", key)
        self.call("POST", f"/element/{self.find(selector)}/value", {"text": text})

    def press(self, text):
        """Keys to whatever has the focus."""
        for name, key in KEYS.items():
            text = text.replace(f"{{{name}}}", key)
        actions = [
            action for key in text for action in ({"type": "keyDown", "value": key}, {"type": "keyUp", "value": key})
        ]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def click(self, selector):
        self.call("POST", f"/element/{self.find(selector)}/click", {})

    def text(self, selector):
        return self.run(
            "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent).join('\\n')", selector
        )

    def until(self, script, *arguments, within=DEADLINE):
        """Wait until a script's value is true, and give it."""
        deadline = time.monotonic() + within
        while not (value := self.run(script, *arguments)):
            assert time.monotonic() < deadline, f"in vain: {script} {arguments}; the page: {self.text('body')[-600:]!r}"
            time.sleep(0.05)
        return value

    def shows(self, text, selector="#log", within=DEADLINE):
        return self.until(
            "return [...document.querySelectorAll(arguments[0])].some(e => e.textContent.includes(arguments[1]))",
            selector, text, within=within,
        )  # fmt: skip

    def resize(self, width, height, *, dark=False, mobile=False):
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.devtools("Emulation.setEmulatedMedia", features=[scheme])

    def speak(self, language):
        """The language that the pages opened from now on see."""
        agent = self.run("return navigator.userAgent")
        self.devtools("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=language)

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self.call("GET", "/screenshot")))

    def complaints(self):
        """What the console has of warnings and errors since the last look."""
        entries = self.call("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("WARNING", "SEVERE")]

    def close(self):
        try:
            self.call("DELETE", "")
        except (OSError, RuntimeError):
            pass


def keys(text):
    """Text with the names of keys in braces, as WebDriver wants it."""
    for name, key in KEYS.items():
        text = text.replace(f"{{{name}}}", key)
    return text
