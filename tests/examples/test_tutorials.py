"""The tutorials' own clients, as they were printed but for the port, hold their dialogues with our servers."""

from __future__ import annotations

import subprocess
from typing import Any

PORT_OF_CHAT, PORT_OF_BOT = "2401", "9999"


def chat_client(theatre: Any, server: Any) -> Any:
    return theatre.seed("chat_client.py.txt", {PORT_OF_CHAT: server.port})


def bot_client(theatre: Any, server: Any) -> Any:
    return theatre.seed("bot_client.py.txt", {PORT_OF_BOT: server.port})


def test_scott_and_the_admin_as_printed(theatre: Any) -> None:
    server = theatre.serve("chat_server.py", stdin=subprocess.PIPE)
    scott = chat_client(theatre, server)
    server.out.shows("Scott: Hi!\n")
    for admin, answer in [
        ("Hi Scott!", "Are you admin from the server?"),
        ("Yes, i am.", "Nice to meet you!!!"),
        ("Me too. How can i help you?", "Just test the connection, bye~"),
        ("Ok, Have a great day!", "You too!"),
    ]:
        server.types(f"{admin}\n")
        scott.out.shows(f"From Server, Admin:{admin}\n\nNew msg:")
        scott.types(f"{answer}\n")
        server.out.shows(f"Scott: {answer}\n")
    assert "*" not in scott.out.text, "not a line but the admin's"
    server.clean_exit()


def test_scott_and_the_weeknd(theatre: Any) -> None:
    server = theatre.serve("chat_server.py", stdin=subprocess.PIPE)
    scott = chat_client(theatre, server)
    server.out.shows("* Scott joined\nScott: Hi!\n")
    text = "From Client 2, The Weeknd:"
    weeknd = theatre.peer(server)
    weeknd.sends(f"{text} Hi!")
    server.out.shows("* The Weeknd joined\nThe Weeknd: Hi!\n")
    scott.types("I really like the weeknd!\n")
    weeknd.gets("Scott: I really like the weeknd!\n")
    weeknd.sends(f"{text}I just adds three tracks to my new album: Dawn FM.")
    server.out.shows("The Weeknd: I just adds three tracks to my new album: Dawn FM.\n")


def test_the_bots_client_in_the_chat(theatre: Any) -> None:
    server = theatre.serve("chat_server.py", stdin=subprocess.PIPE)
    ada = theatre.peer(server)
    ada.gets("* welcome")
    client = bot_client(theatre, server)
    client.out.shows("* welcome")
    client.types("你好\n")
    ada.gets("* guest-2 is now 小明\n小明: 你好\n")
    client.out.shows("* you are 小明 now\n")
    client.types("在吗\n")
    ada.gets("小明: 在吗\n")
    client.out.shows("我：")
    ada.sends("hello 小明\n")
    client.out.shows("guest-1: hello 小明\n")
    client.types("exit\n")
    client.out.shows("聊天室已关闭")
    assert client.exits() == 0
    ada.gets("* 小明 left\n")
    assert "exit" not in ada.text.replace("exit to leave", "")


def test_the_bots_client_is_greeted(theatre: Any) -> None:
    server = theatre.serve("greeting_server.py")
    client = bot_client(theatre, server)
    client.out.shows("What is your name?")
    client.types("你好\n")
    client.out.shows("Hello, 小明::你好!\n")
    client.types("exit\n")
    client.out.shows("聊天室已关闭")
    assert client.exits() == 0
    server.clean_exit()


def test_scott_is_greeted(theatre: Any) -> None:
    server = theatre.serve("greeting_server.py")
    client = chat_client(theatre, server)
    client.out.shows("Hello, From Client, Scott: Hi!!\n")
    client.types("again\n")
    client.out.shows("Hello, From Client, Scott:again!\n")
    server.clean_exit()


def test_the_raw_snippet_is_greeted(theatre: Any) -> None:
    """`Hello, %s!`, as the printed server answers each recv."""
    server = theatre.serve("greeting_server.py")
    peer = theatre.peer(server)
    peer.sends("Scott")
    peer.gets("Hello, Scott!\n")
    peer.sends("exit")
    assert peer.ends() == "Hello, Scott!\n"
