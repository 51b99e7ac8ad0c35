"""The words of the trade, in a sentence each: what the tutorial's readers ask about. Pure."""

from __future__ import annotations

import re

_WORDS: tuple[tuple[str, str, str], ...] = (
    (
        r"(?:the )?differences? between tcp and udp|tcp ?(?:和|跟|与|and|vs\.?) ?udp(?:的|有)?(?:区别|不同)?",
        "TCP 像打电话：先接通，一句不丢，按顺序来。UDP 像寄明信片：写完就寄，快，但可能丢，也可能后寄的先到。",
        "TCP is a phone call: first connected, then nothing lost and all in order. UDP is postcards: quick, but one "
        "may be lost, or overtake another.",
    ),
    (
        r"socket|套接字",
        "socket（套接字）是网络连接的一个端点：程序往里写，对方就能读到；一头一个，就像电话的两个听筒。",
        "A socket is one end of a network connection: what you write into yours, the other side reads from its own.",
    ),
    (
        r"tcp",
        "TCP 是可靠的字节流：不丢、不重、不乱序。但它没有“消息”的边界，一次 send 不等于一次 recv，所以要自己分行。",
        "TCP is a reliable stream of bytes: nothing lost, doubled or out of order. It knows no messages: one send is "
        "not one recv, so end each message with a newline.",
    ),
    (
        r"udp",
        "UDP 一次发一个数据报：快、有边界，但可能丢、可能乱序，要紧的事得自己确认。",
        "UDP sends one datagram at a time: quick, and with edges, but it may be lost or overtaken.",
    ),
    (
        r"ip ?地址|ip ?address|ip",
        "IP 地址是主机在网络上的门牌号，比如 127.0.0.1 永远是自己这台机器。",
        "An IP address is a machine's house number on the network; 127.0.0.1 is always your own machine.",
    ),
    (
        r"端口|port|port number",
        "端口是一台机器上的房间号（1 到 65535）：IP 地址找到楼，端口找到哪个程序在听。",
        "A port is the room number (1 to 65535) in the house that the IP address found: it says which program listens.",
    ),
    (
        r"server|服务器|服务端",
        "服务器是先到的一方：bind、listen，然后 accept，等着别人来 connect。我就住在一个服务器里。",
        "A server is who comes first: it binds and listens, and accepts whoever connects. I live in one.",
    ),
    (
        r"client|客户端",
        "客户端是主动的一方：connect 到服务器的 IP 和端口，然后发消息、收回答。你现在用的就是一个。",
        "A client is who begins: it connects to a server's address and port, sends, and receives. You are using one.",
    ),
    (
        r"http",
        "HTTP 是浏览器和网站说的话：一个请求（GET /），一个回答（200 OK），都是写在 TCP 上的文字。",
        "HTTP is what browsers and sites speak: a request (GET /), a response (200 OK), both text on TCP.",
    ),
    (
        r"线程|thread|threads|多线程",
        "线程是同一个程序里同时走的几条路。一个连接一个线程很好懂，可是一千个人就要一千个线程。",
        "Threads are paths that one program walks at the same time. One for each connection is easy to understand, "
        "until a thousand people come.",
    ),
    (
        r"event ?loop|事件循环|reactor|selectors?|epoll",
        "事件循环用一个线程照看所有连接：谁有动静就去服务谁，没有动静就睡觉。我就住在这样一个循环里。",
        "An event loop looks after all connections in one thread: it serves whoever is ready, and sleeps when nobody "
        "is. I live in one.",
    ),
    (
        r"阻塞|blocking|非阻塞|non-?blocking",
        "阻塞就是站着等：recv 没有数据就不回来。非阻塞是“没有就算了，待会儿再来”。",
        'Blocking means to stand and wait: recv does not return before there is data. Non-blocking says "not now".',
    ),
    (
        r"utf-?8|unicode|编码|encoding",
        "UTF-8 把文字变成字节：英文一个字节，汉字三个。网络上走的是字节，所以要 encode 和 decode。",
        "UTF-8 turns text into bytes: one for a Latin letter, three for a Chinese character. Networks carry bytes, "
        "hence encode and decode.",
    ),
    (
        r"python",
        "Python 是一门读起来像说话的编程语言，我就是用它写的，只用了标准库。",
        "Python is a programming language that reads almost like speech. I am written in it, with nothing but its "
        "standard library.",
    ),
    (
        r"json",
        'JSON 是写成文字的数据：{"名字": "小明", "年龄": 12}，人和程序都读得懂。',
        'JSON is data written as text, {"name": "Ada", "age": 12}, which people and programs can both read.',
    ),
    (
        r"api",
        "API 是程序之间约定好的问法：照着格式问，就能得到照着格式的回答。",
        "An API is how one program agrees to be asked by another: ask in its form, and get an answer in its form.",
    ),
    (
        r"图灵|turing",
        "图灵（1912–1954）是计算机科学之父。他问：“机器能思考吗？”还想出了一个考我的办法。",
        "Alan Turing (1912-1954) is the father of computer science. He asked whether machines can think, and thought "
        "of a way to examine me.",
    ),
)

_ASKED_ZH = (
    r"(?:请问|那么?)?(?:(?:{0})|什么(?:是|叫)\s*(?:{0})|(?:{0})\s*又?[是有]?(?:什么|啥|干什么的|做什么用的).{{0,4}})"
)
_ASKED_EN = r"(?:(?:and )?what(?:'s| is| are| does)|explain|define|tell me about) (?:an? |the )?(?:{0})(?: means?)?"
_DEFINITIONS = tuple(
    (re.compile(f"{_ASKED_ZH.format(word)}|{_ASKED_EN.format(word)}", re.IGNORECASE), zh, en) for word, zh, en in _WORDS
)


def define(text: str, chinese: bool) -> str:
    """What the word means that is asked for; empty if none is, or it is not known.

    >>> define("what is an API?", False)
    'An API is how one program agrees to be asked by another: ask in its form, and get an answer in its form.'
    """
    plain = text.strip(" 　。？?!！.")
    for asked, zh, en in _DEFINITIONS:
        if asked.fullmatch(plain):
            return zh if chinese else en
    return ""
