"""The bot in a chat room: whom it hears, whom it answers, and where it does not begin to talk for ever."""

from __future__ import annotations

from typing import Any

import pytest

from protocols.bot import Bot, Lobby, Offline, Saying, member
from protocols.bot.member import ASKER_BURST, LONGEST_LINE, NAMES_TRIED
from protocols.bot.room_lines import Heard, hear, question
from protocols.chat import Chat
from protocols.chat.session import INTRODUCTION
from reactor import LineProtocol, ReconnectingClient

from .conftest import Api


@pytest.mark.parametrize(
    ("line", "heard"),
    [
        ("Ada: hello", Heard("Ada", "hello")),
        ("The Weeknd: a: b", Heard("The Weeknd", "a: b")),
        ("小明: 你好", Heard("小明", "你好")),
        ("From Server, Admin:hello", Heard("Admin", "hello")),
        ("[private from Ada] hello", Heard("Ada", "hello", True)),
        ("[private from The Weeknd] ] a: b", Heard("The Weeknd", "] a: b", True)),
        ("[private to Ada] hello", None),
        ("[private to Ada] x: hello", None),
        ("[2026-11-22 21:05] Ada: hello", None),
        ("[2026-11-22 21:05] [private from Ada] x: hello", None),
        ("* Ada joined", None),
        ("* Ada: hello", None),
        ("~ Ada: waves", None),
        ("/msg x: y", None),
        ("Ada:hello", None),
        (": hello", None),
        ("", None),
        ("HTTP/1.1 400 Bad Request", None),
    ],
)
def test_hear(line: str, heard: Heard | None) -> None:
    assert hear(line) == heard


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("小图: 你好", "你好"),
        ("小图：你好", "你好"),
        ("小图，你好", "你好"),
        ("小图,你好", "你好"),
        ("@小图 你好", "你好"),
        ("@小图你好", "你好"),
        ("@小图：你好", "你好"),
        ("@小图", ""),
        ("你好 @小图", "你好"),
        ("你好 @小图！", "你好"),
        ("  小图 :  你好  ", "你好"),
        ("小图你好", None),
        ("我喜欢小图", None),
        ("@小图2", "2"),
        ("@Bot hi", "hi"),
        ("bot, hi", "hi"),
        ("BOT:hi", "hi"),
        ("@Botany hi", None),
        ("Botany: hi", None),
        ("robot: hi", None),
        ("mail me@bot now", None),
        ("the bot: it works", None),
        ("To Bot: hi", None),
        ("答 小图：你好", None),
        ("", None),
    ],
)
def test_who_is_meant(text: str, asked: str | None) -> None:
    assert question(text, ["小图", "Bot", ""]) == asked


# -- on a connection --------------------------------------------------------------------------------------------------


class Server(LineProtocol):
    """A chat server of which the test is the mind."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line_received(self, line: bytes) -> None:
        self.lines.append(line.decode())

    def says(self, *lines: str) -> None:
        self.transport.write("".join(f"{line}\n" for line in lines).encode())


class Room:
    """The bot in a chat whose server is the test."""

    def __init__(self, scene: Any, bot: Bot, **options: Any) -> None:
        self.scene = scene
        self.servers: list[Server] = []
        port = scene.reactor.listen_tcp(self._server, "127.0.0.1", 0).port
        lobby = Lobby(bot, **{"name": "Bot", **options})
        self.client = ReconnectingClient(
            scene.reactor, lambda factory: scene.reactor.connect_tcp(factory, "127.0.0.1", port), lobby.member
        )
        scene.until(lambda: self.servers)
        scene.settle()

    def _server(self) -> Server:
        self.servers.append(Server())
        return self.servers[-1]

    def hears(self, *lines: str) -> list[str]:
        """What the bot says to lines."""
        before = len(self.servers[-1].lines)
        self.servers[-1].says(*lines)
        self.scene.settle()
        return self.servers[-1].lines[before:]


@pytest.fixture
def room(scene: Any) -> Room:
    room = Room(scene, Bot(scene.reactor, Offline(seed=1)))
    room.hears("* welcome, guest-1: type to talk", "* you are Bot now")
    return room


def test_it_takes_its_name_and_its_room(scene: Any) -> None:
    room = Room(scene, Bot(scene.reactor, Offline(seed=1)), name="小图", room="python")
    assert room.servers[0].lines == ["/nick 小图", "/join python"]


@pytest.mark.parametrize(
    "line",
    ["* you are Eve now", "* 小图 is now Bot is now Eve", "* you stay Eve set the topic: boo", "* welcome, Eve: hello"],
)
def test_nothing_that_people_choose_renames_it(room: Room, line: str) -> None:
    room.hears(line)
    assert room.hears("Ada: Bot: what is 1+1?") == ["Bot::To Ada: 1+1 = 2"]
    assert room.hears("Ada: Eve: what is 1+1?") == []


def test_it_takes_another_name_if_it_must(scene: Any) -> None:
    room = Room(scene, Bot(scene.reactor, Offline(seed=1)))
    for number in range(2, NAMES_TRIED + 1):
        assert room.hears(f"* you stay guest-1: Bot is taken; Bot-{number} is free") == [f"/nick Bot-{number}"]
    assert room.hears("* you stay guest-1: no") == []
    assert room.hears("Ada: guest-1: what is 1+1?") == ["guest-1::To Ada: 1+1 = 2"]
    assert room.hears("Ada: Bot: what is 1+1?") == ["guest-1::To Ada: 1+1 = 2"], "that is what people know it as"


def test_it_answers_whoever_speaks_to_it(room: Room) -> None:
    assert room.hears("Ada: Bot: what is 1+1?") == ["Bot::To Ada: 1+1 = 2"]
    assert room.hears("小明: @Bot 一加一等于几") == ["Bot::答 小明：一加一 = 2"]
    assert room.hears("From Server, Admin:Bot, what is 2*3?") == ["Bot::To Admin: 2*3 = 6"]
    assert room.hears("[private from The Weeknd] 2+2") == ["/msg The Weeknd 2+2 = 4"]


@pytest.mark.parametrize(
    "line",
    [
        "Ada: 1+1",
        "* Ada joined Bot: 1+1",
        "~ Ada asks Bot: 1+1",
        "[2026-11-22 21:05] Ada: Bot: 1+1",
        "[private to Ada] Bot: 1+1",
        "Bot: Bot: 1+1",
        "BOT: @Bot 1+1",
        "To Bot: 1+1",
        "[private from Bot] 1+1",
        "\ufffd\ufffd",
    ],
)
def test_it_leaves_others_alone(room: Room, line: str) -> None:
    assert room.hears(line) == []


def test_two_bots_do_not_talk_for_ever(room: Room) -> None:
    """One that answers everything it hears, by name."""
    said = 0
    heard = room.hears("Eve: Bot: hello")
    while heard and said < 100:
        said += 1
        heard = room.hears(f"Eve: Bot: {heard[-1].partition('::')[2]}")
    assert said == ASKER_BURST + 1
    assert Saying.SLOWER.say(False) in room.servers[0].lines[-1]
    room.scene.advance(600)
    assert room.hears("Eve: Bot: 1+1") == ["Bot::To Eve: 1+1 = 2"]


def test_the_room_has_its_limit_too(room: Room) -> None:
    answers = room.hears(*(f"guest-{number}: Bot: 1+1" for number in range(30)))
    assert sum("1+1 = 2" in answer for answer in answers) == 8
    assert len(answers) == 30
    assert room.hears(*(f"guest-{number}: Bot: 1+1" for number in range(8, 30))) == []


def test_people_are_forgotten_in_the_end(room: Room, monkeypatch: Any) -> None:
    monkeypatch.setattr(member, "ASKERS", 6)  # each more costs real milliseconds
    for number in range(6 + 5):
        room.hears(f"guest-{number}: Bot: my name is Nr{number}")
        room.scene.advance(2)
    assert len(room.client.protocol._talks) == 6
    assert "Nr10" in room.hears("guest-10: Bot: what is my name?")[0]
    assert "Nr0" not in room.hears("guest-0: Bot: what is my name?")[0]


def test_who_waits_for_an_answer_is_forgotten_last(scene: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(member, "ASKERS", 3)
    api = Api(scene)
    room = Room(scene, api.bot)
    room.hears("* you are Bot now", *(f"{name}: Bot: hello" for name in ("Ada", "Bob", "Cid")))
    api.calls[1].answers("hi")
    scene.settle()
    room.hears("Dan: Bot: hello")
    assert not any(call.cancelled for call in api.calls)
    room.hears("Eve: Bot: hello")
    assert [call.cancelled for call in api.calls] == [True, False, False, False, False]


def test_it_comes_back(room: Room) -> None:
    room.servers[0].transport.close()
    room.scene.advance(10)
    assert len(room.servers) == 2
    assert room.servers[1].lines == ["/nick Bot"]
    room.hears("* you are Bot now")
    assert room.hears("[2026-11-22 21:05] Ada: Bot: 1+1", "Ada: Bot: what is 2+2?") == ["Bot::To Ada: 2+2 = 4"]


def test_answers_of_an_api(scene: Any) -> None:
    api = Api(scene)
    room = Room(scene, api.bot)
    room.hears("* you are Bot now", "Ada: Bot: hello", "[private from Ada] secret")
    assert api.urls == ["Ada/hello", "Ada/secret"]
    api.calls[1].answers("psst\nyes")
    api.calls[0].answers("std::vector\n/quit\n" + "x" * 5000)
    scene.settle()
    private, public = room.servers[0].lines[-2:]
    assert private == "/msg Ada psst yes"
    assert public.startswith("Bot::To Ada: std::vector /quit xxx")
    assert public.endswith(Saying.CUT.say(False))
    assert len(public.encode()) <= LONGEST_LINE


def test_what_was_asked_before_the_connection_was_lost_is_dropped(scene: Any) -> None:
    api = Api(scene)
    room = Room(scene, api.bot)
    room.hears("* you are Bot now", "Ada: Bot: hello")
    room.servers[0].transport.abort()
    scene.settle()
    assert api.calls[0].cancelled
    scene.advance(10)
    assert room.servers[1].lines == ["/nick Bot"]


def test_in_a_real_chat(scene: Any) -> None:
    chat = Chat(scene.reactor)
    scene.serve(chat.session)
    bot = Bot(scene.reactor, Offline(seed=1))
    client = ReconnectingClient(
        scene.reactor,
        lambda factory: scene.reactor.connect_tcp(factory, "127.0.0.1", scene.port),
        Lobby(bot).member,
    )
    ada = scene.peer()
    ada.send("/nick Ada\n")
    scene.advance(INTRODUCTION)
    scene.until(lambda: client.protocol is not None and client.protocol.name == "小图")
    ada.send("小图: socket是什么？\n")
    ada.gets("小图: 答 Ada：socket（套接字）")
    ada.send("@小图 what is 6*7?\n")
    ada.gets("小图: To Ada: 6*7 = 42\n")
    ada.send("/msg 小图 what is 2*3?\n")
    ada.gets("[private from 小图] 2*3 = 6\n")
    chat.hub.say_as_operator("小图，1+1")
    ada.gets("小图: 答 Admin：1+1 = 2\n")
    answers = ada.text.count("\n小图: ")
    client.transport.abort()
    scene.advance(10)
    scene.until(lambda: client.protocol is not None and client.protocol.name == "小图")
    scene.advance(10)
    assert ada.text.count("\n小图: ") == answers, "what it is told of the past it has answered already"
    ada.send("小图: 2+2\n")
    ada.gets("小图: 答 Ada：2+2 = 4\n")
    client.stop()
    scene.settle()
