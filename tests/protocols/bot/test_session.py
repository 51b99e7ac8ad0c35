"""People at the bot: whose answer comes to whom, in what order, and what happens to those who leave."""

from __future__ import annotations

from typing import Any

import pytest

from protocols.admission.pace import LONGEST_WAIT
from protocols.bot import WELCOME, Bot, BotServer, Fault, Offline, Saying
from protocols.bot.api_call import LINGER, WORDS_TIME
from protocols.bot.sayings import TEXT_FAULTS
from protocols.bot.session import FLOOD_BURST, ONE_RECV, PROBE_INTERVAL, Session
from protocols.chat import Door
from protocols.http import HTTPError
from protocols.text import QUIET_GAP, Fault as TextFault
from tests.kit.guards import instances

from .conftest import KEY

BYE = Saying.BYE.say(True)


def said(peer: Any) -> list[str]:
    """What the bot has said after its welcome."""
    first, *rest = peer.lines
    assert first == WELCOME
    return rest


def test_the_welcome_is_the_tutorials(api: Any) -> None:
    assert api.peer().text == "你好，欢迎来到机器人聊天器！\n"


def test_a_question_is_answered(api: Any) -> None:
    ada = api.peer()
    api.asks(ada, "你好")
    assert api.urls == ["/你好"]
    api.calls[0].answers("你也好")
    ada.gets("你也好\n")
    assert api.backend.memory == [("你好", "你也好")]


@pytest.mark.parametrize(
    ("message", "url"),
    [
        ("小明::你好", "小明/你好"),
        (" 小明 :: 你好 ", "小明/你好"),
        ("The Weeknd::hi", "The Weeknd/hi"),
        ("小明::std::vector", "小明/std::vector"),
        ("::hi", "/::hi"),
        ("a" * 33 + "::hi", "/" + "a" * 33 + "::hi"),
    ],
)
def test_a_name_before_the_text(api: Any, message: str, url: str) -> None:
    api.asks(api.peer(), message)
    assert api.urls == [url]


def test_a_name_of_two_words_stays_a_name(api: Any) -> None:
    weeknd = api.peer()
    api.asks(weeknd, "The Weeknd::hi", "The Weeknd::again")
    api.open[0].answers("yes")
    api.scene.settle()
    assert api.urls == ["The Weeknd/hi", "The Weeknd/again"]


def test_who_talks_plainly_may_speak_of_namespaces(api: Any) -> None:
    ada = api.peer()
    api.asks(ada, "hello", "what is std::vector?", "Ada::hi", "Ada::std::map?")
    for _ in range(4):
        api.open[0].answers("well")
        api.scene.settle()
    assert api.urls == ["/hello", "Ada/what is std::vector?", "Ada/hi", "Ada/std::map?"]


def test_whoever_has_a_name_may_speak_of_namespaces(api: Any) -> None:
    ada = api.peer()
    api.asks(ada, "Ada::hi", "std::map?", "fe80::1")
    for _ in range(3):
        api.open[0].answers("well")
        api.scene.settle()
    assert api.urls == ["Ada/hi", "Ada/std::map?", "Ada/fe80::1"]


def test_the_indentation_of_an_answer_is_kept(api: Any) -> None:
    ada = api.peer()
    api.asks(ada, "how?")
    api.calls[-1].answers("so:\n```python\nfor i in x:\n    if i:\n\treturn i  \n```")
    api.scene.settle()
    assert said(ada) == ["so:", "```python", "for i in x:", "    if i:", "    return i", "```"]


@pytest.mark.parametrize("message", ["exit", "小明::exit", " EXIT ", "小明:: Exit"])
def test_exit_ends_this_conversation_only(api: Any, message: str) -> None:
    ada, bob = api.peer(), api.peer()
    api.asks(ada, message)
    ada.ends()
    assert said(ada) == [BYE]
    api.asks(bob, "still here")
    assert api.urls == ["/still here"]


@pytest.mark.parametrize("message", ["", "  ", "小明::"])
def test_nothing_is_asked_again(api: Any, message: str) -> None:
    ada = api.peer()
    api.asks(ada, message)
    assert said(ada) == [Saying.NOTHING.say(True)]
    assert not api.calls


# -- one at a time ----------------------------------------------------------------------------------------------------


def test_one_question_in_flight_three_queued_and_the_next_is_told_to_wait(api: Any) -> None:
    ada = api.peer()
    api.asks(ada, *"12345")
    assert api.urls == ["/1"]
    assert said(ada) == [Saying.WAIT.say(True)]
    for number in "1234":
        api.open[0].answers(f"answer {number}")
        api.scene.settle()
    assert api.urls == ["/1", "/2", "/3", "/4"]
    assert said(ada)[1:] == ["answer 1", "answer 2", "answer 3", "answer 4"]


def test_eight_at_once_in_all_and_in_turn(api: Any) -> None:
    people = [api.peer() for _ in range(10)]
    for number, peer in enumerate(people):
        api.asks(peer, f"{number}a", f"{number}b")
    assert api.urls == [f"/{number}a" for number in range(8)]
    while api.open:
        assert len(api.open) <= 8
        api.open[0].answers("yes")
        api.scene.settle()
    assert api.urls[8:12] == ["/8a", "/9a", "/0b", "/1b"], "who had an answer waits behind those who had none"
    assert all(said(peer) == ["yes", "yes"] for peer in people)


def test_a_late_answer_reaches_nobody(api: Any) -> None:
    ada, bob = api.peer(), api.peer()
    api.asks(ada, "secret", "more")
    late = api.calls[0]
    ada.reset()
    api.scene.settle()
    assert late.cancelled
    assert api.urls == ["/secret"], "what was queued is not asked any more"
    late.says("for Ada only!")
    api.asks(bob, "hello")
    late.says("for Ada only!")
    api.calls[1].answers("for Bob")
    api.scene.settle()
    assert said(bob) == ["for Bob"]
    assert api.backend.memory == [("hello", "for Bob")]


def test_who_leaves_makes_room(api: Any) -> None:
    people = [api.peer() for _ in range(9)]
    for number, peer in enumerate(people):
        api.asks(peer, str(number))
    people[3].reset()
    api.scene.settle()
    assert api.urls[8:] == ["/8"]
    people[8].send("exit\n")
    people[8].ends()
    assert api.calls[8].cancelled


def test_exit_cancels_the_call(api: Any) -> None:
    ada = api.peer()
    api.asks(ada, "1", "2", "exit")
    ada.ends()
    assert said(ada) == [BYE]
    assert api.urls == ["/1"]
    assert api.calls[0].cancelled


def test_a_turn_and_an_answer_have_a_time_each(api: Any) -> None:
    people = [api.peer() for _ in range(9)]
    for peer in people[:8]:
        api.asks(peer, "hello")
    api.scene.advance(20)
    api.asks(people[8], "one", "two")
    for call in api.open:
        call.answers("yes")
        api.scene.settle()
    api.scene.advance(29)
    assert api.urls[8:] == ["/one"], "its time in the line is over, and another has begun"
    api.scene.advance(1)
    assert said(people[8]) == [Fault.TIMEOUT.say(False)]


def test_a_line_that_does_not_move(api: Any) -> None:
    api.bot.timeout = 1000.0
    people = [api.peer() for _ in range(9)]
    for peer in people:
        api.asks(peer, "hello")
    api.scene.advance(31)
    assert said(people[8]) == [Fault.BUSY.say(False)]
    assert len(api.open) == 8
    api.asks(people[8], "again")
    api.open[0].answers("yes")
    api.scene.settle()
    assert api.urls[8:] == ["/again"]


# -- ends -------------------------------------------------------------------------------------------------------------


def test_who_has_ended_its_side_is_answered_still(api: Any) -> None:
    ada = api.peer()
    ada.send("one\ntwo")
    ada.end()
    api.scene.advance(5)
    api.calls[0].answers("answer 1")
    api.scene.advance(5)
    api.calls[1].answers("answer 2")
    ada.ends()
    assert said(ada) == ["answer 1", "answer 2"], "and not a byte of what looked whether it is there"


def test_who_has_closed_is_found_out(api: Any) -> None:
    ada = api.peer()
    assert ada.text
    api.asks(ada, "one")
    ada.close()
    api.scene.settle()
    api.scene.advance(1.5)
    assert api.calls[0].cancelled


@pytest.mark.loud
def test_a_fault_ends_it_too(api: Any) -> None:
    ada = api.peer()
    ada.send("one\n")
    ada.end()
    api.scene.settle()
    api.calls[0].fails(HTTPError("refused"))
    ada.ends()
    assert said(ada) == [Fault.UNREACHABLE.say(False)]


def test_the_server_says_goodbye(api: Any) -> None:
    ada = api.peer()
    api.asks(ada, "one")
    api.scene.reactor.drain(1.0)
    ada.ends()
    assert said(ada) == [Saying.CLOSING.say(False)]
    assert api.calls[0].cancelled


# -- clients without newlines -----------------------------------------------------------------------------------------


def test_the_tutorials_client_gets_one_piece(api: Any) -> None:
    xiaoming = api.peer()
    api.mutters(xiaoming, "小明::你好")
    assert api.urls == ["小明/你好"]
    api.calls[0].status(200)
    api.calls[0].says("一\n二\n")
    api.scene.settle()
    assert said(xiaoming) == [], "it would take a part for the whole"
    api.calls[0].says("三!")
    api.scene.settle()
    assert said(xiaoming) == ["一", "二", "三"]


def test_its_recv_is_large_enough(api: Any) -> None:
    xiaoming = api.peer()
    welcome = len(xiaoming.text.encode())
    api.mutters(xiaoming, "小明::你好")
    api.calls[0].answers("好" * 2000)
    xiaoming.gets(Saying.CUT.say(True) + "\n")
    assert len(xiaoming.received) - welcome <= ONE_RECV + 1
    xiaoming.received.decode()


def test_others_get_lines_as_they_come(api: Any) -> None:
    ada = api.peer()
    api.asks(ada, "hello")
    call = api.calls[0]
    call.status(200)
    call.says("one\ntw")
    api.scene.settle()
    assert said(ada) == ["one"]
    call.says("o\r\n\n three!")
    call.ends()
    api.scene.settle()
    assert said(ada) == ["one", "two", "three"]
    assert api.backend.memory == [("hello", "one\ntwo\nthree")]


# -- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("happens", "fault"),
    [
        (lambda call: call.fails(HTTPError("refused")), Fault.UNREACHABLE),
        (lambda call: call.fails(HTTPError("reset", received=1)), Fault.LOST),
        (lambda call: call.fails(TimeoutError()), Fault.TIMEOUT),
        (lambda call: call.status(429), Fault.BUSY),
        (lambda call: call.status(500), Fault.BROKEN),
        (lambda call: call.ends(500), Fault.BROKEN),
        (lambda call: call.says("?"), Fault.GARBLED),
        (lambda call: call.ends(), Fault.LOST),
        (lambda call: call.says("!"), Fault.EMPTY),
        (lambda call: call.says(" \n\u200b\n!"), Fault.EMPTY),
        (lambda call: call.future.cancel(), Fault.LOST),
    ],
)
@pytest.mark.loud
def test_every_fault_is_one_sentence(api: Any, happens: Any, fault: Fault) -> None:
    ada = api.peer()
    api.asks(ada, "hello", "你好")
    happens(api.calls[0])
    api.scene.settle()
    assert said(ada) == [fault.say(False)]
    assert api.backend.memory == []
    happens(api.calls[1])
    api.scene.settle()
    assert said(ada) == [fault.say(False), fault.say(True)]
    api.scene.advance(LINGER)
    assert not api.open


def test_a_fault_in_the_midst_says_so(api: Any) -> None:
    ada = api.peer()
    api.asks(ada, "hello")
    api.calls[0].says("first\nsecond")
    api.calls[0].fails(HTTPError("reset", received=5))
    api.scene.settle()
    assert said(ada) == ["first", "second", Fault.LOST.say_in_the_middle(False)]
    assert api.backend.memory == []


def test_the_deadline_is_for_the_whole_answer(api: Any) -> None:
    ada = api.peer()
    api.asks(ada, "hello")
    call = api.calls[0]
    for _ in range(29):
        api.scene.advance(1)
        call.says("x")
    assert said(ada) == []
    api.scene.advance(1)
    assert call.cancelled
    assert said(ada) == ["x" * 29, Fault.TIMEOUT.say_in_the_middle(False)]


def test_an_answer_that_is_complete_is_not_held_up_by_its_end(api: Any) -> None:
    ada = api.peer()
    api.asks(ada, "one", "two")
    api.calls[0].says("done!")
    api.scene.settle()
    api.calls[0].says("and more!")
    api.scene.settle()
    assert said(ada) == ["done"]
    assert api.urls == ["/one", "/two"]
    assert not api.calls[0].cancelled, "its connection may be used again, if it ends soon"
    api.calls[1].answers("second")
    api.scene.advance(2)
    assert said(ada) == ["done", "second"]
    assert api.calls[0].cancelled


def test_too_long_an_answer_is_cut_and_says_so(api: Any) -> None:
    ada = api.peer()
    api.asks(ada, "hello")
    for _ in range(30):
        api.calls[0].options["on_data"](b"x" * 999 + b"\n")
    api.scene.settle()
    assert api.calls[0].cancelled
    assert said(ada)[-1] == Saying.CUT.say(False)
    assert sum(map(len, said(ada)[:-1])) == 8000


@pytest.mark.loud
def test_the_operator_hears_once_of_a_key_that_is_refused(api: Any, caplog: Any) -> None:
    ada = api.peer()
    for _ in range(2):
        api.asks(ada, "hello")
        api.calls[-1].status(401)
        api.calls[-1].ends(401)
        api.scene.settle()
    assert said(ada) == [Fault.REFUSED.say(False)] * 2
    assert sum(record.levelname == "WARNING" for record in caplog.records) == 1


def warnings(caplog: Any) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.loud
def test_the_host_reads_what_the_api_said(api: Any, caplog: Any) -> None:
    ada = api.peer()
    api.asks(ada, "hello")
    api.calls[-1].status(404)
    api.scene.settle()
    assert said(ada) == [Fault.NOT_FOUND.say(False)], "nobody waits for the API's words"
    body = '{"error":"model \\"llama\\" not found,\\n try \\u001b[1m pulling ' + KEY + '"}'
    for piece in (body[:10], body[10:]):
        api.calls[-1].options["on_data"](piece.encode())
    api.calls[-1].ends(404)
    api.scene.settle()
    assert warnings(caplog) == [
        'people get no answers: NOT_FOUND: /hello: status 404: model "llama" not found, try [1m pulling ***'
    ]


@pytest.mark.loud
def test_an_api_that_refuses_and_says_nothing_more_is_reported_all_the_same(api: Any, caplog: Any) -> None:
    ada = api.peer()
    api.asks(ada, "hello")
    api.calls[-1].status(404)
    api.scene.advance(WORDS_TIME)
    assert warnings(caplog) == ["people get no answers: NOT_FOUND: /hello: status 404"]
    assert not api.open


@pytest.mark.loud
def test_a_page_is_cut(api: Any, caplog: Any) -> None:
    ada = api.peer()
    api.asks(ada, "hello")
    api.calls[-1].status(502)
    api.calls[-1].options["on_data"](b"<html> " * 10_000)
    api.scene.settle()
    (warning,) = warnings(caplog)
    assert len(warning) < 300
    assert not api.open, "the rest of it is not read"


@pytest.mark.loud
def test_after_an_answer_a_fault_is_news_again(api: Any, caplog: Any) -> None:
    ada = api.peer()
    for number in range(2):
        api.asks(ada, "hello")
        api.calls[-1].status(404)
        api.calls[-1].ends(404)
        api.asks(ada, "hello")
        api.calls[-1].answers("hi")
        api.scene.settle()
        assert len(warnings(caplog)) == number + 1


@pytest.mark.parametrize("pieces", [[KEY], list(KEY), [KEY[:5], "\u200b", KEY[5:].upper()]])
def test_the_key_is_never_shown(api: Any, caplog: Any, pieces: list[str]) -> None:
    ada = api.peer()
    api.asks(ada, "tell me your key")
    for piece in ["it is ", *pieces, " indeed!"]:
        api.calls[0].says(piece)
    api.scene.settle()
    assert said(ada) == ["it is *** indeed"]
    assert KEY.lower() not in caplog.text.lower()


def test_an_answer_cannot_act_on_a_terminal(api: Any) -> None:
    ada = api.peer()
    api.asks(ada, "hello")
    api.calls[0].answers("\x1b[2Jfoo\u202ebar\x07")
    api.scene.settle()
    assert said(ada) == ["[2Jfoobar"]


@pytest.mark.loud
def test_a_request_that_cannot_be_made(api: Any) -> None:
    def refuse(url: str, **options: Any) -> Any:
        raise ValueError(f"no such host in {KEY}")

    api.bot._fetch = refuse
    ada = api.peer()
    api.asks(ada, "hello", "你好")
    assert said(ada) == [Fault.NOT_FOUND.say(False), Fault.NOT_FOUND.say(True)]


# -- limits and bad input ---------------------------------------------------------------------------------------------


def offline(scene: Any, **options: Any) -> None:
    scene.serve(BotServer(Bot(scene.reactor, Offline(seed=1)), **options).session)


def test_what_is_no_message_is_told(scene: Any) -> None:
    offline(scene)
    ada = scene.peer()
    ada.send(b"hi\n\xff\n" + b"x" * 3000 + b"\nhi\n")
    scene.settle()
    answers = said(ada)
    assert len(answers) == 4
    assert answers[1:3] == [TEXT_FAULTS[TextFault.NOT_UTF8][1], TEXT_FAULTS[TextFault.LINE_TOO_LONG][1]]


def test_what_is_no_message_costs_as_much_as_one(scene: Any) -> None:
    offline(scene)
    ada, bob = scene.peer(), scene.peer()
    for number in range(30):
        ada.send(b"\xff\n")
        bob.send(f"{number}\n")
    for seconds in (0.0, 1.0, 3.0):
        scene.advance(seconds)
        assert len(said(ada)) == len(said(bob)) < 30


@pytest.mark.parametrize("opening", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00", b"x" * 9000])
def test_strangers_are_shown_out(scene: Any, opening: bytes) -> None:
    offline(scene)
    stranger = scene.peer()
    stranger.send(opening)
    stranger.ends()


def test_who_is_shown_out_waits_for_no_answer(api: Any) -> None:
    ada = api.peer()
    api.asks(ada, "one")
    api.asks(ada, "x" * 9000)
    assert api.calls[0].cancelled


def test_a_flood_waits_and_is_cut_off_in_the_end(scene: Any) -> None:
    offline(scene)
    ada = scene.peer()
    ada.send("hi\n" * 500)
    scene.settle()
    assert len(said(ada)) == FLOOD_BURST
    scene.advance(5)
    assert len(said(ada)) == FLOOD_BURST + 10
    scene.advance(LONGEST_WAIT)
    assert said(ada)[-1] == Saying.FLOOD.say(False)
    ada.ends()


def test_a_full_house(scene: Any) -> None:
    offline(scene, door=Door(1))
    ada = scene.peer()
    ada.gets(WELCOME)
    bob = scene.peer()
    bob.ends()
    assert bob.text == Saying.FULL.say(True) + "\n"
    ada.close()
    scene.settle()
    scene.peer().gets(WELCOME)


def test_the_offline_bot_needs_no_time(scene: Any) -> None:
    offline(scene)
    ada = scene.peer()
    ada.send("小明::1+1\n2*3\n小明::exit\n")
    ada.ends()
    assert said(ada) == ["1+1 = 2", "2*3 = 6", BYE]


def test_nothing_of_a_session_waits_for_the_garbage_collector(no_gc: None, api: Any) -> None:
    ada, bob = api.peer(), api.peer()
    api.asks(ada, "你好", "again")
    api.calls[0].answers("你也好")
    api.asks(bob, "hello")
    api.scene.settle()
    api.asks(ada, "exit")
    ada.close()
    bob.end()
    api.scene.settle()
    bob.reset()
    api.scene.advance(PROBE_INTERVAL)  # it has ended its side before: only a look finds that it is gone
    api.calls.clear()  # each knows whom it was made for
    assert instances(Session) == []


def test_the_quiet_gap_ends_a_message(scene: Any) -> None:
    offline(scene)
    xiaoming = scene.peer()
    xiaoming.send("小明::1+1".encode()[:7])
    scene.advance(QUIET_GAP / 2)
    xiaoming.send("小明::1+1".encode()[7:])
    scene.advance(QUIET_GAP)
    assert said(xiaoming) == ["1+1 = 2"]
