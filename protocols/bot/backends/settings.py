"""A backend made of what the operator set. Everything that can be found wrong is found here, before anybody asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from ...http import parse_url
from . import models, tuling
from .backend import Backend, BadSetting
from .offline import Offline


class Kind(NamedTuple):
    """One row of the table of backends."""

    make: Callable[[str, str, str, bool], Backend]  # url, model, key, stream
    url: str
    model: str
    key_env: str  # where the key of the default URL is looked for
    needs_key: str  # "always", "at the default URL" or "never"
    help: str


def _tuling(url: str, _: str, key: str, __: bool) -> Backend:
    whole_path = urlsplit(url).path.rstrip("/")
    return tuling.Tuling(url, key, version=2 if whole_path.endswith("/v2") else 1)


def _tuling2(url: str, _: str, key: str, __: bool) -> Backend:
    return tuling.Tuling(url, key, version=2)


KINDS: dict[str, Kind] = {
    "offline": Kind(lambda *_: Offline(), "", "", "", "never", "rules; no key, no network"),
    "tuling": Kind(_tuling, tuling.V1_URL, "", "TULING_API_KEY", "always", "the Tuling robot; v2 if the URL ends so"),
    "tuling2": Kind(_tuling2, tuling.V2_URL, "", "TULING_API_KEY", "always", "the Tuling robot, API v2"),
    "openai": Kind(
        lambda url, model, key, stream: models.openai(url, model, key, stream=stream),
        models.OPENAI_URL, models.OPENAI_MODEL, "OPENAI_API_KEY", "at the default URL", "/v1/chat/completions",
    ),
    "ollama": Kind(
        lambda url, model, key, stream: models.ollama(url, model, key, stream=stream),
        models.OLLAMA_URL, models.OLLAMA_MODEL, "OLLAMA_API_KEY", "never", "/api/chat",
    ),
}  # fmt: skip
"""The backends, by name."""

ALIASES = {"rules": "offline", "eliza": "offline", "tuling1": "tuling", "tulingv1": "tuling", "tulingv2": "tuling2"}


def make_backend(
    name: str = "offline",
    environment: Mapping[str, str] | None = None,
    *,
    url: str | None = None,
    key_env: str | None = None,
    model: str | None = None,
    stream: bool = True,
) -> Backend:
    """The backend of these settings. Raises BadSetting, which says in one line what is wrong, and never the key.

    The key is in `environment` under `key_env`. Without that, the backend's own variable is looked at, but only for
    its own URL: a key is not sent anywhere that the operator has not said.

    >>> make_backend("openai", {})
    Traceback (most recent call last):
    protocols.bot.BadSetting: openai needs a key: set OPENAI_API_KEY, or name its variable with --key-env
    """
    plain = name.strip().lower().replace("-", "").replace("_", "")
    kind = KINDS.get(ALIASES.get(plain, plain))
    if kind is None:
        raise BadSetting(f"there is no backend {name!r}: {', '.join(KINDS)}")
    if not kind.url:
        _refuse_what_is_of_no_use(name, url=url, key_env=key_env, model=model)
    elif url is not None:
        _check_url(url)
    key = _key(name, kind, environment or {}, key_env, own_url=url is None)
    return kind.make(url or kind.url, model or kind.model, key, stream)


def _refuse_what_is_of_no_use(name: str, **settings: str | None) -> None:
    for setting, value in settings.items():
        if value is not None:
            raise BadSetting(f"--{setting.replace('_', '-')} is of no use to the {name} backend")


def _key(name: str, kind: Kind, environment: Mapping[str, str], key_env: str | None, *, own_url: bool) -> str:
    variable = key_env or (kind.key_env if own_url or kind.needs_key == "always" else "")
    key = environment.get(variable, "").strip()
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        raise BadSetting(f"the key in {variable} has characters that no key has")
    if key_env is not None and not key:
        raise BadSetting(f"there is no key in the environment variable {key_env!r}")
    if not key and (kind.needs_key == "always" or (kind.needs_key == "at the default URL" and own_url)):
        raise BadSetting(f"{name} needs a key: set {kind.key_env}, or name its variable with --key-env")
    return key


def _check_url(url: str) -> None:
    try:
        parts = parse_url(url)
    except ValueError as error:
        raise BadSetting(f"argument --url: {error}") from None
    if parts.userinfo is not None:
        raise BadSetting("argument --url: no passwords in it, where everybody who lists processes reads them")
    if not parts.port:
        raise BadSetting("argument --url: nobody listens on port 0")
