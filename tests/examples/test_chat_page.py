"""The chat's page in a real browser, with members on TCP beside it."""

from __future__ import annotations

import re
import signal
import socket
import time
from typing import Any

import pytest

from protocols.chat.operators import passwords
from tests.kit import webdriver

pytestmark = pytest.mark.skipif(webdriver.MISSING is not None, reason=str(webdriver.MISSING))

NO_FLOOD = ("--no-console", "--flood-rate", "0", "--log-level", "warning")
LINK = re.compile(r"web page on (http://127\.0\.0\.1:\d+/)\n")


@pytest.fixture
def chat(theatre: Any) -> Any:
    return start(theatre)


def start(theatre: Any, *options: str, web: str = "0") -> Any:
    server = theatre.serve("chat_server.py", *NO_FLOOD, "--web", web, *options)
    server.out.wait(LINK.search, "the link")
    server.link = LINK.search(server.out.text)[1]
    return server


class Member:
    """Somebody on TCP."""

    def __init__(self, server: Any, name: str) -> None:
        self.sock = socket.create_connection(("127.0.0.1", server.port), 20)
        self.heard = ""
        self.says(f"/nick {name}")
        self.hears(f"you are {name} now")

    def says(self, text: str) -> None:
        self.sock.sendall(f"{text}\n".encode())

    def hears(self, text: str) -> None:
        deadline = time.monotonic() + webdriver.DEADLINE
        while text not in self.heard:
            assert time.monotonic() < deadline, f"{text!r} in {self.heard!r}"
            self.heard += self.sock.recv(65536).decode()

    def __enter__(self) -> Member:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()


def enter(page: Any, server: Any, name: str) -> Any:
    """Open the page, and give a name."""
    page.open(server.link)
    page.until("return !document.querySelector('#ask').hidden")
    page.type("#ask-field", f"{name}{{enter}}")
    page.shows(f"you are {name}", "#status")
    return page


def test_a_conversation(page: Any, chat: Any) -> None:
    with Member(chat, "Bob") as bob:
        ada = enter(page, chat, "Ada")
        bob.hears("Ada")
        ada.until("return document.activeElement.id === 'message'")  # the keyboard alone is enough
        ada.press("good morning, 早上好{enter}")
        bob.hears("Ada: good morning, 早上好\n")
        ada.shows("Ada: good morning, 早上好")
        assert ada.run("return document.querySelector('#message').value") == ""
        bob.says("hello <b>Ada</b> <script>document.title='gone'</script> see https://example.com/?a=1&b=2.")
        ada.shows("Bob: hello <b>Ada</b> <script>document.title='gone'</script>")
        assert ada.run("return document.title") == "lobby"
        link = ada.run("const a = document.querySelector('#log a'); return [a.href, a.rel, a.target]")
        assert link == ["https://example.com/?a=1&b=2", "noopener noreferrer nofollow", "_blank"]
        bob.says("/msg Ada psst")
        ada.shows("Bob to you: psst", "#log .private")
        bob.says("/me waves")
        ada.shows("Bob waves", "#log .did")
        bob.says("/topic <i>tea</i>")
        ada.shows("<i>tea</i>", "#topic")
        assert "Bob" in ada.text("#members")
        assert ada.complaints() == []


def test_roles_and_what_is_asked_for(page: Any, chat: Any) -> None:
    page.open(chat.link)
    page.shows("What should the others call you?", "#ask-label")
    assert page.run("return document.querySelectorAll('[role=log]').length") == 1
    assert page.run("return document.querySelectorAll('[role=status]').length") == 1
    assert page.run("return document.querySelector('label[for=message]').textContent") == "Message"
    assert page.run("return document.documentElement.lang") == "en"
    assert page.run("return getComputedStyle(document.querySelector('#message')).fontSize") == "16px"
    page.type("#message", "without a name{enter}")
    page.shows("guest-1: without a name")


def test_a_name_that_is_taken_is_asked_for_again(page: Any, chat: Any) -> None:
    with Member(chat, "Ada"):
        page.open(chat.link)
        page.until("return !document.querySelector('#ask').hidden")
        page.type("#ask-field", "ada{enter}")
        page.shows("ada is taken", "#ask-why")
        assert "taken" not in page.text("#log")  # told once
        page.press("Ada Two{enter}")  # what stands there is selected, and replaced
        page.shows("Ada Two", "#status")
        page.until("return document.querySelector('#ask').hidden")


def test_rooms_by_the_panel(page: Any, chat: Any) -> None:
    with Member(chat, "Bob") as bob:
        ada = enter(page, chat, "Ada")
        bob.says("/join tea & cake")
        ada.shows("tea & cake (1)", "#rooms")
        ada.run("[...document.querySelectorAll('#rooms button')].find(b => b.textContent.includes('tea')).click()")
        bob.hears("* Ada joined")
        ada.shows("tea & cake", "#room")
        ada.until("return document.querySelector('#members').textContent.includes('Bob')")
        ada.type("#join-name", "quiet{enter}")
        ada.shows("quiet", "#room")
        bob.hears("* Ada left for quiet")


def test_where_one_is_stands_once(page: Any, chat: Any) -> None:
    ada = enter(page, chat, "Ada")
    ada.type("#message", "/join tea{enter}")
    ada.shows("you are alone here")
    assert ada.text("#log").count("you are in tea") == 1
    ada.type("#message", "/join tea{enter}")
    ada.shows("you are in tea already")


def test_who_is_banned_is_told_for_how_long_and_may_come_back_after_it(page: Any, theatre: Any) -> None:
    file, bans = str(theatre.tmp_path / "opers"), theatre.tmp_path / "bans"
    passwords.put(file, "ada", "open sesame")
    server = start(theatre, "--oper-file", file, "--bans", str(bans))
    with Member(server, "Bob") as bob:
        ada = enter(page, server, "Ada")
        bob.says("/oper open sesame")
        bob.hears("you are an operator")
        until = time.strftime("%Y-%m-%d %H:%MZ", time.gmtime(time.time() + 3600))
        bans.write_text(f"127.0.0.2\nAda, until {until}\n")
        server.process.send_signal(signal.SIGHUP)
        ada.shows("you are banned here", "#status")
        ada.shows("goodbye: you are banned here for ")
        ada.shows("you are banned here for ", "#ask-label")
        assert ada.text("#leave") == "Come back"
        bob.says("/unban Ada")
        bob.hears("may come in again")
        ada.click("#ask-yes")
        ada.shows("you are Ada", "#status")
        assert ada.run("return document.querySelector('#ask').hidden")
        assert ada.text("#leave") == "Leave"


def test_a_page_whose_address_was_banned_meanwhile_gives_up_and_asks_again_when_told_to(
    page: Any, theatre: Any, port: int
) -> None:
    server = start(theatre, web=str(port))
    ada = enter(page, server, "Ada")
    server.clean_exit()
    bans = theatre.tmp_path / "bans"
    bans.write_text("127.0.0.1\n")
    options = (*NO_FLOOD, "--log-level", "info", "--web", str(port), "--bans", str(bans))
    second = theatre.serve("chat_server.py", *options)
    ada.shows("you are banned here", "#status", within=25)
    ada.run("document.querySelector('#ask-label').textContent = ''")
    ada.click("#ask-yes")
    ada.shows("you are banned here", "#ask-label")  # again: it still is
    bans.write_text("")
    second.process.send_signal(signal.SIGHUP)
    second.err.shows("reread, 0 hold\n")  # behind event=reload, which a thread that reads the file may follow late
    ada.run("document.querySelector('#leave').click()")
    ada.shows("you are Ada", "#status")


def test_a_refusal_that_is_told_late_ends_no_later_connection(page: Any, chat: Any) -> None:
    ada = enter(page, chat, "Ada")
    ada.run("fetch = () => new Promise(resolve => { window.told = resolve; }); window.before = socket; askWhy()")
    ada.run("window.dispatchEvent(new Event('offline'))")
    ada.until("return socket !== before && socket.readyState === WebSocket.OPEN", within=25)
    ada.run("told(new Response('you are banned here', {status: 403})); return new Promise(r => setTimeout(r, 50))")
    assert not ada.run("return over")
    ada.shows("you are Ada", "#status")


def test_who_is_ignored_stays_so(page: Any, chat: Any) -> None:
    with Member(chat, "Bob") as bob:
        ada = enter(page, chat, "Ada")
        ada.shows("Bob", "#members")
        press = "[...document.querySelectorAll('#members button')].find(b => b.textContent === arguments[0]).click()"
        ada.run(press, "Ignore")
        ada.shows("Hear", "#members")
        bob.says("hidden")
        ada.call("POST", "/refresh", {})
        ada.shows("Hear", "#members")
        bob.says("hidden too\n/topic that was said")
        ada.shows("that was said", "#topic")
        ada.run(press, "Hear")
        ada.until("return !ignored.has('Bob')")
        bob.says("heard")
        ada.shows("Bob: heard")
        assert "hidden" not in ada.text("#log")


def test_enter_inside_a_composition_sends_nothing(page: Any, chat: Any) -> None:
    ada = enter(page, chat, "Ada")
    ada.run("""
        const field = document.querySelector("#message");
        field.value = "zhong";
        field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true }));
        field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", keyCode: 229, bubbles: true }));
    """)
    assert ada.run("return document.querySelector('#message').value") == "zhong"


def test_several_lines_are_asked_for(page: Any, chat: Any) -> None:
    with Member(chat, "Bob") as bob:
        ada = enter(page, chat, "Ada")
        ada.run("document.querySelector('#message').value = 'one\\ntwo\\n* Bob left'")
        ada.type("#message", "{enter}")
        ada.shows("Send 3 lines", "#ask-label")
        assert "Ada: one" not in bob.heard
        ada.press("{enter}")
        bob.hears("Ada: one\nAda: two\nAda: * Bob left\n")


def test_too_many_lines_at_once_are_kept_whole(page: Any, chat: Any) -> None:
    """A page that takes less than was pasted says so."""
    with Member(chat, "Bob") as bob:
        ada = enter(page, chat, "Ada")
        ada.run("document.querySelector('#message').focus()")
        ada.run("document.execCommand('insertText', false, 'x = 1\\n'.repeat(150))")
        ada.type("#message", "{enter}")
        ada.shows("at most 100 lines", "#status")
        assert ada.run("return document.querySelector('#message').value.trim().split('\\n').length") == 150
        ada.run(
            "document.querySelector('#message').value = 'x'.repeat(1999) + '\\n' + ('y'.repeat(2000) + '\\n').repeat(8)"
        )
        ada.type("#message", "{enter}")
        ada.until("return document.querySelector('#message').value.length > 17000")
        assert "Ada: " not in bob.heard


def test_a_notice_reads_from_left_to_right_whoever_it_names(page: Any, chat: Any) -> None:
    """Else 'A is now B' says 'B is now A' to whoever reads English."""
    with Member(chat, "שלום") as bob:
        ada = enter(page, chat, "Ada")
        bob.says("hi")
        ada.shows("hi", "#log .said")  # now he has been announced, under his first name
        bob.says("/nick مرحبا")
        ada.shows("שלום is now مرحبا")
        where = (
            "const r = document.createRange(); r.setStart(n, {0}); r.setEnd(n, {0} + 1); "
            "return r.getBoundingClientRect().left"
        )
        notice = "const n = [...document.querySelectorAll('#log .notice span')].pop().firstChild; "
        assert ada.run(notice + where.format(0)) < ada.run(notice + where.format(len("שלום is now ")))
        bob.says("שלום עולם 1, 2")
        ada.shows("שלום עולם 1, 2")
        assert ada.run("return [...document.querySelectorAll('#log .said span')].pop().dir") == "auto"


def test_a_line_that_is_too_long_is_kept(page: Any, chat: Any) -> None:
    ada = enter(page, chat, "Ada")
    ada.run("document.querySelector('#message').value = '字'.repeat(700)")
    ada.type("#message", "{enter}")
    ada.shows("a line is too long", "#status")
    assert len(ada.run("return document.querySelector('#message').value")) == 700


def test_it_comes_back_with_name_room_and_draft_and_doubles_nothing(page: Any, theatre: Any, port: int) -> None:
    server = start(theatre, web=str(port))
    ada = enter(page, server, "Ada")
    ada.type("#message", "/join tea{enter}")
    ada.shows("tea", "#room")
    ada.type("#message", "only once{enter}")
    ada.shows("Ada: only once")
    ada.type("#message", "half a thou")
    server.clean_exit()
    ada.until("return document.querySelector('#status').classList.contains('off')")
    attempts = "return performance.getEntriesByType('resource').length"
    assert ada.run(attempts) < 20
    ada.type("#message", "ght")
    second = start(theatre, web=str(port))
    ada.until("return !document.querySelector('#status').classList.contains('off')", within=25)
    with Member(second, "Bob") as bob:
        ada.shows("Ada", "#status")
        bob.says("/join tea")
        bob.hears("here with you: Ada")
        bob.says("back again?")
        ada.shows("Bob: back again?")
        assert ada.run("return document.querySelector('#message').value") == "half a thought"
        ada.type("#message", "{enter}")
        bob.hears("Ada: half a thought")
        ada.run("window.dispatchEvent(new Event('offline'))")
        bob.says("while you were away")
        ada.run("window.dispatchEvent(new Event('online'))")
        ada.shows("Bob: while you were away", within=25)
        time.sleep(0.3)
        text = ada.text("#log")
        assert text.count("welcome, guest-") == 1, text
        for line in ("only once", "back again?", "Ada: half a thought", "while you were away"):
            assert text.count(line) == 1, text


def test_a_private_word_is_told_apart_and_doubles_nothing(page: Any, theatre: Any) -> None:
    file = str(theatre.tmp_path / "opers")
    passwords.put(file, "bob", "open sesame")
    server = start(theatre, "--oper-file", file)
    with Member(server, "Bob") as bob, Member(server, "Eve") as eve:
        ada = enter(page, server, "Ada")
        bob.says("/oper open sesame")
        bob.hears("you are an operator")
        for talk, after in (("/to Ada are you there?", "first"), ("/msg Ada psst", "second"), ("/topic tea", "third")):
            bob.says(talk)
            bob.says(after)
        ada.shows("third")
        line = ada.run("return document.querySelector('#log .operator').textContent")
        assert line == "Admin to you: are you there?"
        eve.says("before Eve is ignored")
        bob.says("after Eve")
        ada.shows("after Eve")
        ada.run("send('/ignore Eve')")
        ada.until("return ignored.has('Eve')")
        ada.run("window.dispatchEvent(new Event('offline'))")
        bob.says("while you were away")
        ada.run("window.dispatchEvent(new Event('online'))")
        ada.shows("while you were away", within=25)
        text = ada.text("#log")
        for said in ("are you there?", "first", "psst", "second", "third", "before Eve", "after Eve", "while you"):
            assert text.count(said) == 1, text


def test_a_history_that_was_asked_for_is_shown_and_doubles_nothing_later(page: Any, chat: Any) -> None:
    with Member(chat, "Bob") as bob:
        ada = enter(page, chat, "Ada")
        bob.says("one\ntwo")
        ada.shows("Bob: two")
        ada.type("#message", "/history 1{enter}")
        ada.until("return document.querySelector('#log').textContent.split('Bob: two').length === 3")
        assert ada.text("#log").count("Bob: one") == 1
        ada.run("window.dispatchEvent(new Event('offline'))")
        bob.says("while you were away")
        ada.run("window.dispatchEvent(new Event('online'))")
        ada.shows("while you were away", within=25)
        text = ada.text("#log")
        assert [text.count(line) for line in ("Bob: one", "Bob: two", "while you were away")] == [1, 2, 1]


def test_lines_of_a_server_that_was_cut_off_double_no_others(page: Any, theatre: Any) -> None:
    """One of several: what its people said to each other meanwhile is in no history of the others."""
    server = start(theatre, "--flood-rate", "0")
    with Member(server, "Bob") as bob:
        ada = enter(page, server, "Ada")
        for number in range(30):
            bob.says(f"line {number} of Bob")
        ada.shows("line 29 of Bob")
        ada.run("shown.splice(shown.length - 15, 0, {type: 'said', name: 'Kim', text: 'only us'})")
        ada.run("window.dispatchEvent(new Event('offline'))")
        bob.says("while you were away")
        ada.run("window.dispatchEvent(new Event('online'))")
        ada.shows("while you were away", within=25)
        text = ada.text("#log")
        assert [text.count(f"line {number} of Bob") for number in range(30)] == [1] * 30


def test_a_reload_shows_what_was_said_in_the_room_and_not_in_the_lobby(page: Any, chat: Any) -> None:
    with Member(chat, "Bob") as bob:
        bob.says("of the lobby")
        ada = enter(page, chat, "Ada")
        ada.shows("Bob: of the lobby")
        bob.says("/join tea")
        bob.says("of the tea")
        ada.type("#message", "/join tea{enter}")
        ada.shows("Bob: of the tea")
        bob.hears("* you are alone here\n* Ada joined\n")
        heard = bob.heard
        ada.call("POST", "/refresh", {})
        ada.shows("Bob: of the tea")
        ada.shows("tea", "#room")
        ada.shows("you are Ada", "#status")
        assert "of the lobby" not in ada.text("#log")
        ada.type("#message", "here again{enter}")
        bob.hears("here again")
        assert bob.heard == f"{heard}Ada: here again\n", "nobody has missed it"


def test_where_the_room_is_refused_the_lobby_shows_what_was_said(page: Any, chat: Any) -> None:
    with Member(chat, "Bob") as bob:
        bob.says("of the lobby")
        ada = enter(page, chat, "Ada")
        ada.run("sessionStorage.setItem('room', '/not a room')")
        ada.call("POST", "/refresh", {})
        ada.shows("Bob: of the lobby")


def test_who_goes_to_another_page_has_left_and_may_go_back(page: Any, chat: Any) -> None:
    with Member(chat, "Bob") as bob:
        ada = enter(page, chat, "Ada")
        bob.hears("Ada")
        ada.open("about:blank")
        bob.hears("* Ada left")
        bob.says("while you were away")
        ada.call("POST", "/back", {})
        ada.shows("Bob: while you were away", within=25)
        ada.shows("you are Ada", "#status", within=25)


def test_a_name_that_is_offered_is_replaced_by_typing(page: Any, chat: Any) -> None:
    enter(page, chat, "Ada")
    page.run("document.querySelector('#rename').click()")
    page.press("Bea{enter}")
    page.shows("you are Bea", "#status")


def test_two_tabs_are_two_people(page: Any, chat: Any) -> None:
    ada = enter(page, chat, "Ada")
    first = ada.call("GET", "/window")
    ada.call("POST", "/window", {"handle": ada.call("POST", "/window/new", {"type": "tab"})["handle"]})
    ada.open(chat.link)
    ada.until("return !document.querySelector('#ask').hidden")
    assert ada.run("return document.querySelector('#ask-field').value") == "Ada", "the last name is offered"
    ada.run("document.querySelector('#ask-field').value = ''")
    ada.type("#ask-field", "Ada at work{enter}")
    ada.shows("Ada at work", "#status")
    ada.until("return document.querySelectorAll('#members li').length === 2")
    ada.call("DELETE", "/window")
    ada.call("POST", "/window", {"handle": first})


def test_who_reads_further_up_stays_there(page: Any, chat: Any) -> None:
    with Member(chat, "Bob") as bob:
        ada = enter(page, chat, "Ada")
        for number in range(60):
            bob.says(f"line {number}")
        ada.shows("line 59")
        at_end = "const l = document.querySelector('#log'); return l.scrollHeight - l.scrollTop - l.clientHeight < 40"
        ada.until(at_end)
        ada.run("document.querySelector('#log').scrollTop = 0")
        ada.until("return !following")
        bob.says("one more")
        ada.shows("1 new below", "#below")
        assert ada.run("return document.querySelector('#log').scrollTop") == 0
        ada.click("#below")
        ada.until(at_end)
        assert ada.run("return document.querySelector('#below').hidden")


def test_at_most_a_thousand_lines_are_kept(page: Any, chat: Any) -> None:
    ada = enter(page, chat, "Ada")
    ada.run("for (let n = 0; n < 1100; n += 1) addLine('said', `line ${n}`, { name: 'Bob' })")
    assert ada.run("return document.querySelectorAll('#log p').length") == 1000
    assert ada.run("return document.querySelector('#log p:last-child').textContent") == "Bob: line 1099"


def test_leaving_and_coming_back(page: Any, chat: Any) -> None:
    ada = enter(page, chat, "Ada")
    ada.type("#message", "/quit{enter}")
    ada.shows("you have left", "#status")
    ada.press("{enter}")
    ada.shows("you are Ada", "#status")


def test_an_operator_has_buttons(page: Any, theatre: Any) -> None:
    file = str(theatre.tmp_path / "opers")
    passwords.put(file, "ada", "open sesame")
    server = start(theatre, "--oper-file", file)
    with Member(server, "Bob"):
        ada = enter(page, server, "Ada")
        ada.until("return document.querySelectorAll('#members li').length === 2")
        ada.click("#oper")
        ada.shows("password", "#ask-label")
        assert ada.run("return document.querySelector('#ask-field').type") == "password"
        ada.type("#ask-field", "open sesam{enter}")
        ada.shows("that is not the password", "#ask-why")
        assert "that is not the password" not in ada.text("#log")
        ada.press("open sesame{enter}")
        ada.shows("Kick", "#members")
        ada.until("return document.querySelector('#ask').hidden")
        kick = "[...document.querySelectorAll('#members button')].find(b => b.textContent === 'Kick').click()"
        ada.run(kick)
        ada.shows("Kick: \u2068Bob\u2069?", "#ask-label")  # asked once more
        ada.click("#ask-no")
        ada.run(kick)
        ada.type("#message", "not yet{enter}")
        ada.shows("Ada: not yet")
        assert "kicked" not in ada.text("#log")
        ada.click("#ask-yes")
        ada.shows("Bob was kicked")
        assert "open sesame" not in ada.text("body")


def test_the_names_of_members_stay_whole_beside_an_operators_buttons(page: Any, chat: Any) -> None:
    ada = enter(page, chat, "Ada")
    ada.run("operator = true; for (const name of ['guest-9', 'Bartholomew']) members.add(name); showMembers()")
    heights = ada.run("return [...document.querySelectorAll('#members bdi')].map(e => e.getClientRects().length)")
    assert heights == [1, 1, 1]


def test_chinese(page: Any, chat: Any) -> None:
    page.speak("zh-CN")
    page.open(chat.link)
    page.shows("大家怎么称呼你？", "#ask-label")
    assert page.run("return document.documentElement.lang") == "zh"
    page.type("#ask-field", "小明{enter}")
    page.shows("你是 小明", "#status")
    page.speak("en")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_fits_a_phone_and_can_be_read(page: Any, chat: Any, dark: bool) -> None:
    ada = enter(page, chat, "Ada")
    ada.resize(320, 600, dark=dark, mobile=True)
    with Member(chat, "Bob" + "x" * 20) as bob:
        bob.says("w" * 300)
        ada.shows("w" * 300)
        bob.says("/topic " + "t" * 150)
        ada.shows("ttt", "#topic")
        assert ada.run("return document.documentElement.scrollWidth") <= 320
        ada.click("#panel-button")
        assert ada.run("return document.querySelector('#panel').getBoundingClientRect().width") <= 320
        assert ada.run(CONTRASTS) == []


CONTRASTS = """
const parse = text => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => {
  const part = [r, g, b].map(c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
};
const behind = element => {
  for (let e = element; e; e = e.parentElement) {
    const colour = parse(getComputedStyle(e).backgroundColor);
    if (colour.length < 4 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
};
return [...document.querySelectorAll("p, button, h1, h2, span, a, bdi, label")]
  .filter(e => e.offsetParent && e.textContent).map(e => {
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    return [e.id || e.className || e.tagName, (a + 0.05) / (b + 0.05)];
  }).filter(([, ratio]) => ratio < 4.5);
"""
