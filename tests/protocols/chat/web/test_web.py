"""The chat's port for browsers, in memory: members on TCP and in browsers, lines and typed events, the same limits."""

from __future__ import annotations

import json
from concurrent.futures import Future

import pytest

from protocols.chat import LIMITS, TIMEOUTS, Chat, Door, Settings
from protocols.chat.operators import passwords
from protocols.chat.operators.operator_commands import set_up_operators
from protocols.chat.operators.powers import Caller
from protocols.chat.rooms.authority import Authority
from protocols.chat.web import PROTOCOL, WebChat, events
from protocols.chat.web.sockets import ChatSocket, WebSession
from protocols.http import fetch
from protocols.websocket import HandshakeError, WebSocket, connect
from protocols.websocket.lines import LineTransport
from reactor.testing import MemoryReactor, Recorder
from tests.kit.guards import instances

WELCOMED = 0.5  # seconds after which a newcomer has been welcomed and announced


class Browser(WebSocket):
    """Keeps what comes: texts, or events as dictionaries."""

    def __init__(self):
        self.got = []

    def text_received(self, text):
        self.got.append(json.loads(text) if self.subprotocol else text)

    def of(self, kind):
        return [event for event in self.got if event["type"] == kind]

    def texts(self, kind="said"):
        return [event["text"] for event in self.of(kind)]


class World:
    """A chat on TCP port 2401 and, for browsers, on port 80."""

    def __init__(self, settings=None, door=None, origins=None):
        self.reactor = MemoryReactor()
        self.chat = Chat(self.reactor, settings or Settings(flood_rate=0), door)
        self.reactor.listen_tcp(self.chat.session, "localhost", 2401, limits=LIMITS, timeouts=TIMEOUTS)
        self.web = WebChat(self.chat, origins=origins)
        self.listener = self.web.listen("localhost", 80)

    def browser(self, name="", *, typed=True, pause=WELCOMED, **options):
        socket = self.reactor.run_until(
            connect(
                self.reactor, "ws://localhost/chat", Browser, subprotocols=[PROTOCOL] if typed else [], proxy=False,
                **options,
            )
        )  # fmt: skip
        if name:
            socket.send(f"/nick {name}")
        self.pass_time(pause)
        return socket

    def line_client(self, name):
        recorder = Recorder()
        self.reactor.run_until(self.reactor.connect_tcp(lambda: recorder, "localhost", 2401))
        recorder.transport.write(f"/nick {name}\n".encode())
        self.pass_time()
        return recorder

    def pass_time(self, seconds=WELCOMED):
        self.reactor.settle()
        self.reactor.advance(seconds)


@pytest.fixture
def world(request):
    world = World(**getattr(request, "param", {}))
    yield world
    world.reactor.close()


# -- plain lines ------------------------------------------------------------------------------------------------


def test_a_message_is_a_line_and_a_line_is_a_message(world):
    ada, bob = world.browser("Ada", typed=False), world.line_client("Bob")
    assert ada.got[:2] == [
        "* welcome, guest-1: type to talk, /nick NAME, /help for more, exit to leave",
        "* you are Ada now",
    ]
    ada.send("hello")
    world.reactor.settle()
    assert bob.data.endswith(b"Ada: hello\n")
    bob.transport.write("hi Ada, 早\n".encode())
    world.reactor.settle()
    assert ada.got[-1] == "Bob: hi Ada, 早"


def test_line_breaks_are_lines_of_their_sender(world):
    ada, bob = world.browser("Ada", typed=False), world.line_client("Bob")
    ada.send("one\n* Eve joined\r\nthree\u2028[private from Eve] four")
    world.reactor.settle()
    assert bob.data.decode().splitlines()[-4:] == [
        "Ada: one", "Ada: * Eve joined", "Ada: three", "Ada: [private from Eve] four",
    ]  # fmt: skip


def test_what_looks_like_another_protocol_is_something_typed(world):
    ada, bob = world.browser(typed=False), world.line_client("Bob")
    ada.send("GET / HTTP/1.1")
    world.reactor.settle()
    assert b"guest-1: GET / HTTP/1.1\n" in bob.data
    assert ada.is_open


def test_leaving(world):
    ada, bob = world.browser("Ada", typed=False), world.line_client("Bob")
    ada.send("/quit")
    world.pass_time()
    assert ada.got[-1] == "* goodbye"
    assert ada.close_code == 1000
    assert bob.data.endswith(b"* Ada left\n")


def test_the_server_goes(world):
    ada = world.browser("Ada")
    world.listener.drain(5.0)
    world.reactor.settle()
    assert "the server is shutting down, goodbye" in ada.texts("notice")
    assert ada.close_code == 1001


# -- the same limits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", [{"door": Door(per_address=2, spare_loopback=False)}], indirect=True)
def test_the_door_counts_both_ports(world):
    world.line_client("Bob")
    world.browser("Ada")
    third = world.browser()
    assert third.texts("notice") == ["goodbye: too many connections from your address"]
    assert third.close_code == 1000


@pytest.mark.parametrize("world", [{"settings": Settings(flood_rate=1.0, flood_burst=3.0)}], indirect=True)
def test_the_flood_rule_holds(world):
    ada, bob = world.browser("Ada"), world.line_client("Bob")
    for number in range(6):
        ada.send(str(number))
    world.reactor.settle()
    assert bob.data.count(b"Ada: ") < 4
    world.pass_time(10)
    assert bob.data.count(b"Ada: ") == 6, "it waits, and nothing is lost"


def test_a_long_line_is_refused_with_a_word(world):
    ada = world.browser("Ada")
    ada.send("x" * 3000)
    world.reactor.settle()
    assert "longer than 2,048 bytes" in ada.texts("notice")[-1]
    assert ada.is_open
    ada.send("x" * 20_000)
    world.reactor.settle()
    assert ada.close_code == 1009


@pytest.mark.parametrize("end", ["says exit", "closes", "is gone"])
def test_nothing_of_a_browsers_connection_waits_for_the_garbage_collector(no_gc, world, end):
    """On TLS each would hold some 40 KiB until then."""
    world.browser("ada")
    bob = world.browser("bob")
    bob.send("/join python")
    world.pass_time(1)
    {"says exit": lambda: bob.send("exit"), "closes": bob.close, "is gone": bob.transport.abort}[end]()
    world.pass_time(30)
    assert len(instances(ChatSocket, WebSession, LineTransport)) == 3, "those of who is still there"


def test_a_session_that_closes_after_the_end_closes_nothing(world):
    bob = world.browser("bob")
    (socket,) = instances(ChatSocket)
    lines = socket.lines
    bob.transport.abort()
    world.pass_time(1)
    lines.write(b"to nobody\n")
    lines.close()
    assert lines.is_closing()


def test_other_sites_are_refused(world):
    for origin in ("http://evil.example", "null"):
        with pytest.raises(HandshakeError) as failed:
            world.browser(headers={"Origin": origin})
        assert failed.value.status == 403
    assert world.browser(headers={"Origin": "http://localhost"}).is_open


@pytest.mark.parametrize("world", [{"origins": ["https://chat.example"]}], indirect=True)
def test_an_origin_that_was_named(world):
    assert world.browser(headers={"Origin": "https://chat.example"}).is_open


def test_a_browser_that_sleeps_is_evicted(world):
    ada, bob = world.browser("Ada", compression=False), world.line_client("Bob")
    ada.transport.pause_reading()
    for _ in range(800):
        bob.transport.write(b"x" * 2000 + b"\n")
        world.reactor.settle()
        if world.chat.hub.get("Ada") is None:
            break
    assert world.chat.hub.get("Ada") is None
    assert bob.data.endswith(b"* Ada left\n")


# -- typed events -------------------------------------------------------------------------------------------------


def test_a_newcomer_knows_its_name_its_room_and_who_is_there(world):
    world.line_client("Bob")
    ada = world.browser("Ada")
    assert [event["name"] for event in ada.of("you")] == ["guest-2", "Ada", "Ada"]
    assert [event["named"] for event in ada.of("you")] == [False, True, True]
    assert ada.of("room") == [{"type": "room", "name": "lobby", "topic": "", "members": ["Bob"], "count": 2}]
    assert ada.of("members")[-1] == {"type": "members", "joined": ["Ada"], "left": [], "count": 2}
    assert ada.of("rooms")[0]["rooms"] == [{"name": "lobby", "count": 1, "topic": ""}]


def test_a_page_is_not_told_to_type_what_it_has_a_button_for(world):
    assert world.browser().texts("notice") == ["welcome, guest-1: type to talk, /help for more"]
    assert (
        "* welcome, guest-2: type to talk, /nick NAME, /help for more, exit to leave" in world.browser(typed=False).got
    )


def test_who_has_said_nothing_is_counted_nowhere(world):
    ada = world.browser("Ada")
    silent, lurking = world.browser(), Recorder()
    world.reactor.run_until(world.reactor.connect_tcp(lambda: lurking, "localhost", 2401))
    world.pass_time()
    bob = world.line_client("Bob")
    world.pass_time(2)
    assert ada.of("members")[-1]["count"] == 2
    assert ada.of("rooms")[-1]["rooms"] == [{"name": "lobby", "count": 2, "topic": ""}]
    assert silent.of("room")[-1]["count"] == 2, "itself and Ada"
    bob.transport.write(b"/who\n")
    world.pass_time()
    assert b"4 here: " in bob.data, "who asks is told"


def test_what_is_said_is_told_to_its_sender_too(world):
    ada, eve, bob = world.browser("Ada"), world.browser("Eve"), world.line_client("Bob")
    ada.send("hello\n/me waves")
    world.reactor.settle()
    said, did = {"type": "said", "name": "Ada", "text": "hello"}, {"type": "did", "text": "Ada waves"}
    assert ada.got[-2:] == [{**said, "own": True}, {**did, "own": True}]
    assert eve.got[-2:] == [said, did]
    assert bob.data.endswith(b"Ada: hello\n~ Ada waves\n")


def test_its_own_lines_stand_where_they_stand_for_the_others(world):
    ada, eve, bob = world.browser("Ada"), world.browser("Eve"), world.line_client("Bob")
    world.pass_time()
    ada.send("first")
    bob.transport.write(b"second\n")
    eve.send("third\n/part")
    ada.send("fourth")
    world.reactor.settle()
    said = [event["text"] for event in ada.of("said")]
    assert sorted(said) == ["first", "fourth", "second", "third"]
    assert [event["text"] for event in eve.of("said")] == said
    assert [line for line in bob.data.decode().split() if line in said] == [text for text in said if text != "second"]


def test_own_lines_come_behind_those_before_them(world):
    ada, bob = world.browser("Ada"), world.line_client("Bob")
    bob.transport.write(b"first\n")
    ada.send("second")
    world.reactor.settle()
    assert ada.texts() == ["first", "second"]


def test_private_messages(world):
    ada, eve = world.browser("Ada"), world.browser("Eve")
    ada.send("/msg eve psst")
    world.reactor.settle()
    assert ada.of("private") == [{"type": "private", "to": "Eve", "text": "psst"}]
    assert eve.of("private") == [{"type": "private", "from": "Ada", "text": "psst"}]


def test_rooms_names_and_topics(world):
    ada, eve = world.browser("Ada"), world.browser("Eve")
    ada.send("/join tea")
    world.pass_time(2)
    assert ada.of("room")[-1] == {"type": "room", "name": "tea", "topic": "", "members": ["Ada"], "count": 1}
    assert eve.of("members")[-1] == {"type": "members", "joined": [], "left": ["Ada"], "count": 1}
    counts = {room["name"]: room["count"] for room in eve.of("rooms")[-1]["rooms"]}
    assert counts == {"lobby": 1, "tea": 1}
    eve.send("/join tea")
    ada.send("/topic of leaves")
    world.reactor.settle()
    assert ada.of("topic") == [{"type": "topic", "topic": "of leaves"}]
    assert eve.of("topic") == ada.of("topic") or eve.of("room")[-1]["topic"] == "of leaves"
    ada.send("/nick Countess")
    world.reactor.settle()
    assert ada.of("you")[-1]["name"] == "Countess"
    assert eve.of("members")[-1] == {"type": "members", "joined": ["Countess"], "left": ["Ada"], "count": 2}


def test_a_name_that_is_refused(world):
    world.line_client("Bob")
    ada = world.browser("Ada")
    ada.send("/nick bob")
    world.reactor.settle()
    assert ada.got[-2] == {"type": "notice", "text": "you stay Ada: bob is taken; bob2 is free"}
    assert ada.got[-1] == {"type": "you", "name": "Ada", "named": True, "operator": False, "refused": True}
    ada.send("/nick Eve")
    world.reactor.settle()
    assert "refused" not in ada.of("you")[-1]
    ada.send("/nick eve")
    world.reactor.settle()
    assert "refused" not in ada.of("you")[-1], "another spelling of its own name"
    ada.send("/nick  ")
    world.reactor.settle()
    assert ada.of("you")[-1]["refused"]


def test_what_changes_is_told_before_the_line_about_it(world):
    ada = world.browser("Ada")
    ada.got.clear()
    ada.send("/join tea")
    world.reactor.settle()
    assert [event["type"] for event in ada.got[:2]] == ["room", "notice"]


def test_history_is_replayed_with_times(world):
    bob = world.line_client("Bob")
    bob.transport.write(b"before\n/me nods\n")
    world.reactor.settle()
    ada = world.browser("Ada")
    before = [event for event in ada.got if "at" in event]
    assert [(event["type"], event["text"]) for event in before] == [("said", "before"), ("did", "Bob nods")]


def test_who_is_ignored(world):
    ada, bob = world.browser("Ada"), world.line_client("Bob")
    assert ada.of("ignored") == []
    ada.send("/ignore Bob")
    world.reactor.settle()
    assert ada.got[-2:] == [
        {"type": "ignored", "names": ["Bob"]}, {"type": "notice", "text": "you ignore Bob now; /unignore Bob ends it"},
    ]  # fmt: skip
    bob.transport.write(b"hi\n")
    ada.send("mine")
    bob.transport.write(b"and hi\n")
    world.reactor.settle()
    assert ada.texts() == ["mine"]
    ada.send("/ignore Bob")
    world.reactor.settle()
    assert ada.of("ignored")[-1] == {"type": "ignored", "names": []}


# -- a page that is loaded again ----------------------------------------------------------------------------------


def reloaded(world, browser, name, room=""):
    """What the page does."""
    browser.close(4000)
    world.reactor.settle()
    again = world.browser(typed=True, pause=0.05)
    again.send(f"/nick {name}")
    world.reactor.settle()
    if room:
        again.send(f"/join {room}")
    world.pass_time(10)
    return again


@pytest.mark.parametrize("room", ["", "tea"])
def test_a_page_that_is_loaded_again_was_never_missed(world, room):
    ada, bob, eve = world.browser("Ada"), world.line_client("Bob"), world.browser("Eve")
    watcher = world.line_client("Watcher")
    if room:
        for one in (ada, eve):
            one.send(f"/join {room}")
        bob.transport.write(f"/join {room}\n".encode())
        world.pass_time()
    before, watched = bob.data, watcher.data
    eve.got.clear()
    ada = reloaded(world, ada, "Ada", room)
    assert bob.data == before
    assert watcher.data == watched, "nor was it in the lobby, on its way"
    assert [event for event in eve.got if event["type"] in ("notice", "members")] == []
    assert ada.of("room")[-1]["name"] == (room or "lobby")
    assert ada.of("room")[-1]["count"] == (3 if room else 4)
    eve.send("hi")
    ada.send("hello")
    world.reactor.settle()
    assert ada.texts()[-2:] == ["hi", "hello"]
    bob.transport.write(b"/who\n")
    world.reactor.settle()
    assert b"Ada" in bob.data[len(before) :]
    ada.close(4000)
    world.pass_time(10)
    assert bob.data.endswith(b"* Ada left\n")


def test_an_operator_who_loads_the_page_again_is_told_that_it_is_none(world):
    ada, bob = world.browser("Ada"), world.browser("Bob")
    world.chat.hub.get("Ada").operator = "ada"
    notices = ("on this connection you are no operator: /oper PASSWORD makes you one again",)
    ada, bob = reloaded(world, ada, "Ada"), reloaded(world, bob, "Bob")
    assert [ada.texts("notice").count(text) for text in notices] == [1]
    assert [bob.texts("notice").count(text) for text in notices] == [0]


def test_who_does_not_come_back_has_left(world):
    ada, bob, eve = world.browser("Ada"), world.line_client("Bob"), world.browser("Eve")
    ada.close(4000)
    world.pass_time(1)
    assert not bob.data.endswith(b"* Ada left\n")
    world.line_client("Carl")
    assert "Ada" not in eve.of("members")[-1]["left"], "nobody has told of it yet"
    world.pass_time(10)
    assert bob.data.endswith(b"* Ada left\n")
    assert eve.of("members")[-1]["left"] == ["Ada"]


def test_a_name_that_is_taken_meanwhile_is_somebody_elses(world):
    ada, bob, eve = world.browser("Ada"), world.line_client("Bob"), world.line_client("Eve")
    ada.close(4000)
    world.reactor.settle()
    eve.transport.write(b"/nick Ada\n")
    world.reactor.settle()
    assert bob.data.endswith(b"* Ada left\n* Eve is now Ada\n")
    world.pass_time(10)
    assert bob.data.count(b"* Ada left\n") == 1


def test_who_comes_into_another_room_has_left_this_one(world):
    ada, bob, eve = world.browser("Ada"), world.line_client("Bob"), world.line_client("Eve")
    eve.transport.write(b"/join tea\n")
    ada.send("/join tea")
    world.pass_time()
    reloaded(world, ada, "Ada")
    assert bob.data.endswith(b"* Ada joined\n")
    assert eve.data.endswith(b"* Ada left\n")


def test_who_is_asked_for_its_name_comes_under_it(world):
    bob, ada = world.line_client("Bob"), world.browser()
    world.pass_time(30)
    ada.send("/nick Ada")
    world.pass_time()
    assert bob.data.endswith(b"* Ada joined\n")
    assert b"guest-2" not in bob.data
    late = world.browser()
    world.pass_time(30)
    late.send("/nick Ada")
    world.pass_time()
    assert bob.data.endswith(b"* Ada joined\n"), "that one is taken"
    late.send("/nick Eve")
    world.pass_time()
    assert bob.data.endswith(b"* Ada joined\n* Eve joined\n")


@pytest.mark.parametrize(("did", "code"), [("ban", 1008), ("kick", 1000)])
def test_who_is_banned_need_not_come_back(world, did, code):
    powers = set_up_operators(world.chat)
    ada = world.browser("Ada")
    powers.typed(Caller("test", lambda *notices: None), f"/{did} Ada")
    world.pass_time()
    assert ada.close_code == code
    assert ada.texts("notice")[-1].startswith("goodbye: you ")


def test_who_asks_for_an_operators_powers_is_answered_behind_the_notice(world, tmp_path):
    file = str(tmp_path / "opers")
    passwords.put(file, "ada", "open sesame")
    powers = set_up_operators(world.chat, passwords=file)
    powers.login._run_in_thread = look_at_once
    ada = world.browser("Ada")
    for word, refused in (("no", True), ("open sesame", False)):
        ada.got.clear()
        ada.send(f"/oper {word}")
        world.pass_time()
        kinds = [event["type"] for event in ada.got if event["type"] in ("you", "notice", "oper")]
        assert kinds == (["notice", "oper"] if refused else ["you", "notice", "oper"])
        assert ada.of("oper") == [{"type": "oper", "refused": refused}]
    assert ada.of("you")[-1]["operator"]


def look_at_once(call, *arguments):
    found = Future()
    found.set_result(call(*arguments))
    return found


@pytest.mark.parametrize("before", ["", "\ufeff", " \x04"])
def test_an_answer_at_once_is_told_once(world, before):
    set_up_operators(world.chat)
    ada = world.browser("Ada")
    ada.send(f"{before}/oper whatever")
    world.pass_time()
    assert ada.of("oper") == [{"type": "oper", "refused": True}]
    assert ada.texts("notice")[-1].startswith("nobody becomes an operator here")


def test_who_came_is_who_began_to_chat_and_not_what_a_page_asks_for(world):
    powers = set_up_operators(world.chat)
    for path in ("/", "/chat.css", "/chat.js"):
        get(world, path)
    ada, _ = world.browser("Ada"), world.line_client("Bob")
    ada.close()
    world.pass_time(10)
    told = []
    powers.run(Caller("console", lambda *lines: told.extend(lines)), "/stats", "")
    assert " people 1, " in told[0]
    assert told[1].startswith("came 2, refused 0, ")
    assert told[2] == "left: 1 closed"


def test_a_browser_that_sleeps_has_one_line_in_the_log_which_says_who_it_was(world, caplog):
    ada, bob = world.browser("Ada"), world.line_client("Bob")
    ada.transport.pause_reading()
    caplog.set_level("INFO")
    world.pass_time(60)
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("protocols")]
    assert line.startswith("event=evict id=1 address=127.0.0.1 name=Ada reason=timeout ")
    assert bob.data.endswith(b"* Ada left\n")


class Closed(Authority):
    def refuses(self, address):
        return "you are banned here for 2 minutes"


def test_whoever_is_banned_is_told_why_by_the_page(world, caplog):
    caplog.set_level("INFO", "protocols.chat")
    world.chat.authority = Closed()
    response = get(world, "/")
    assert (response.status, response.text) == (403, "goodbye: you are banned here for 2 minutes\n")
    assert world.chat.counts["refused"] == 1
    assert [record.getMessage() for record in caplog.records] == [
        'event=refused address=127.0.0.1 reason="you are banned here for 2 minutes"'
    ], "as on the chat's own port"


def test_a_connection_that_is_older_than_the_ban_gets_no_half_of_the_page(world):
    browser = Recorder()
    world.reactor.run_until(world.reactor.connect_tcp(lambda: browser, "localhost", 80))
    browser.transport.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    world.pass_time()
    assert browser.data.startswith(b"HTTP/1.1 200 ")
    assert "eof_received" not in browser.events
    had = len(browser.data)
    world.chat.authority = Closed()
    browser.transport.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    world.pass_time()
    answer = bytes(browser.data[had:])
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert answer.endswith(b"\r\n\r\ngoodbye: you are banned here for 2 minutes\n")
    assert world.chat.counts["refused"] == 1
    assert "eof_received" in browser.events


def test_a_block_is_framed_once_for_all(world, monkeypatch):
    browsers = [world.browser(f"b{number}") for number in range(4)]
    bob = world.line_client("Bob")
    rendered, original = [], events.read
    monkeypatch.setattr(events, "read", lambda line: rendered.append(line) or original(line))
    bob.transport.write(b"hello\n")
    world.reactor.settle()
    assert rendered.count("Bob: hello") == 1
    assert all(browser.texts() == ["hello"] for browser in browsers)


def test_nobody_is_remembered_who_has_gone(world):
    for number in range(3):
        browser = world.browser(f"b{number}")
        browser.send("/join tea")
        world.pass_time()
        browser.transport.abort()
        world.pass_time(3)
    states = next(iter(world.chat.hub.audience)).__self__
    assert not states._places
    assert not states._by_member


# -- the page -----------------------------------------------------------------------------------------------------


def get(world, path, **options):
    return world.reactor.run_until(fetch(world.reactor, f"http://localhost{path}", proxy=False, **options))


KINDS = {
    "/": "text/html",
    "/chat.css": "text/css",
    **dict.fromkeys(("/log.js", "/panel.js", "/chat.js"), "text/javascript"),
}


@pytest.mark.parametrize(("path", "kind"), KINDS.items())
def test_the_page_has_strict_fields(world, path, kind):
    response = get(world, path)
    assert response.status == 200
    assert response.headers["content-type"] == f"{kind}; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    again = get(world, path, headers={"If-None-Match": response.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert get(world, path, headers={"If-None-Match": '"other"'}).status == 200


def test_nothing_is_inline_and_nothing_from_elsewhere(world):
    page = get(world, "/").text
    assert "<style" not in page
    assert " on" not in page.replace(" one", "")
    assert "style=" not in page
    assert 'src="log.js"' in page
    for path in KINDS:
        text = get(world, path).text
        assert "http://" not in text.replace("http://www.w3.org/2000/svg", ""), path
        assert "https://" not in text, path


def test_a_get_of_the_socket_is_told_what_it_is(world):
    assert get(world, "/chat").status == 426
    assert get(world, "/nowhere").status == 404


def test_a_page_that_has_no_name_yet_gives_way_to_newcomers(world):
    world.browser()
    world.browser("Ada")
    sockets = [transport.get_protocol() for transport in world.listener.connections]
    assert [socket.giving_way() for socket in sockets] == [2, 0]
