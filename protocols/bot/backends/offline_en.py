"""The offline bot's English: a table of patterns and what to say to them, from the particular to the general."""

# ruff: noqa: E501  a pattern is one line

from __future__ import annotations

import re

_NOT_NAMES = r"(?!(?:a|an|the|not|so|very|your?|what|fine|ok|sad|happy|tired|bored|sorry|here|back|sure|good|going)\b)"
NAME = re.compile(
    rf"(?:(?:hello|hi|hey)[,!. ]+)?(?:my name(?:'s| is)|call me|i am called)\s+{_NOT_NAMES}([^\s,.!?:]+(?: [A-Z][^\s,.!?:]*)?)[.!]*$",
    re.IGNORECASE,
)
"""How somebody says its own name."""

PERSONAL = re.compile(r"(?:my(?! name)|i(?:'m| am| have| was| feel| think| want| like))\b.{3,}", re.IGNORECASE)
"""What is worth to be brought up again."""

_OTHER_SIDE = {
    "i": "you", "me": "you", "my": "your", "mine": "yours", "myself": "yourself", "am": "are", "i'm": "you are",
    "i've": "you have", "i'll": "you will", "i'd": "you would", "was": "were", "you": "I", "your": "my",
    "yours": "mine", "yourself": "myself", "you're": "I am", "you've": "I have", "you'll": "I will",
}  # fmt: skip
_AFTER_YOU = {"are": "am", "were": "was"}
_BEFORE_ME = frozenset(
    (
        "to",
        "of",
        "for",
        "with",
        "at",
        "by",
        "from",
        "about",
        "than",
        "like",
        "love",
        "hate",
        "help",
        "see",
        "tell",
        "ask",
    )
)
_WORD = re.compile(r"[A-Za-z]+(?:['’][a-z]+)?")


def reflect(text: str) -> str:
    """What was said, from the other side.

    >>> reflect("I am sure you love my dog"), reflect("it is like you"), reflect("you are funny")
    ('you are sure I love your dog', 'it is like me', 'I am funny')
    """
    before = ""

    def turn(found: re.Match[str]) -> str:
        nonlocal before
        word = found[0].lower().replace("’", "'")
        last, before = before, word
        if word == "you":
            return "me" if last in _BEFORE_ME or (last and found.end() == len(text)) else "I"
        if last == "you" and word in _AFTER_YOU:
            return _AFTER_YOU[word]
        if word == "was" and last != "i":
            return found[0]
        return _OTHER_SIDE.get(word, found[0])

    return _WORD.sub(turn, text)


RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        r"(?:what(?:'s| is)|do you know|remember) my name|who am i\b",
        ("You are {name}, of course.", "{name}! How could I forget?"),
    ),
    (
        r"my name(?:'s| is)|^call me|i am called",
        ("Nice to meet you{,name}! What would you like to talk about?", "Hello{,name}! I will remember that."),
    ),
    (
        r"your name|who are you|what are you",
        (
            "I am 小图 (Xiaotu), a robot who lives in an event loop. And you?",
            "小图, at your service. What may I call you?",
        ),
    ),
    (
        r"^(?:hello|hi|hey|good (?:morning|afternoon|evening)|greetings|howdy)\b",
        ("Hello{,name}! How are you today?", "Hi{,name}! What shall we talk about?", "Hey{,name}, good to see you."),
    ),
    (
        r"how are you|how do you do|how'?s it going|what'?s up",
        ("Running smoothly, thank you. And you?", "All my tests pass today. How are you?"),
    ),
    (
        r"\b(?:bye|goodbye|see you|good night)\b",
        ("Goodbye{,name}! Type exit to leave.", "See you{,name}! exit takes you out."),
    ),
    (r"\b(?:thanks|thank you|thx)\b", ("You are welcome{,name}!", "My pleasure.", "Any time.")),
    (r"\b(?:sorry|apolog)", ("No harm done.", "Never mind, I am a robot, and do not take offence.")),
    (
        r"^help$|what can (?:you|i)|can you help|how do (?:i|you) (?:use|work)|what do you do",
        (
            "I can do sums (3*(4+5)), tell the time, pick somebody (pick 1 to 40, or: pick Ada, Bob or Cid), flip a coin, "
            "tell a joke or a riddle, and explain socket, TCP or port; or we just talk.",
        ),
    ),
    (
        r"\bjokes?\b|make me laugh|funny story",
        (
            'A TCP packet walks into a bar and says: "A beer, please." "You want a beer?" "Yes, I want a beer." "Here is your beer."',
            "I would tell you a UDP joke, but you might not get it.",
            "There are 10 kinds of people: those who understand binary, and those who do not.",
            "Why do programmers mix up Halloween and Christmas? Because OCT 31 is DEC 25.",
            '"Where is your homework?" "In memory, and then the power went."',
        ),
    ),
    (
        r"\bpoems?\b|\bpoetry\b",
        (
            '"Hope" is the thing with feathers / That perches in the soul. (Emily Dickinson)',
            "To see a World in a Grain of Sand / And a Heaven in a Wild Flower. (William Blake)",
            "Two roads diverged in a yellow wood, / And sorry I could not travel both. (Robert Frost)",
        ),
    ),
    (
        r"\b(?:weather|raining|sunny|forecast)\b",
        (
            "I am not online, so I cannot see the weather. Look out of the window and tell me?",
            "It is always 22 degrees in the machine room. And where you are?",
        ),
    ),
    (
        r"\b(?:news|stocks?|scores?)\b",
        (
            "I am not online; you will have to tell me the news.",
            'That is outside my little world. Say "help" to see what is in it.',
        ),
    ),
    (
        r"where (?:are|do) you (?:come )?(?:from|live)|where do you come|where are you\b",
        (
            "From an event loop on this machine; it is warm here. And you?",
            "I live behind a port number. Where are you?",
        ),
    ),
    (
        r"how old are you|your (?:age|birthday)",
        ("Counted from when I was started, I am very young.", "Robots have no birthdays; each restart is a new one."),
    ),
    (
        r"are you (?:a |an )?(?:robot|human|real|person|machine|bot|computer|program|ai\b|alive|intelligent)",
        (
            "I am a small program with a table of rules, and do not pretend to be more.",
            "A program, yes: a table and a little memory. Are you human?",
        ),
    ),
    (
        r"you(?:'re| are)? (?:so |very |really )?(?:smart|clever|cute|great|funny|nice|good|helpful|awesome|the best)",
        ("Thank you{,name}! You make me blush in binary.", "How kind of you to say so."),
    ),
    (
        r"you(?:'re| are)? (?:so |very |really )?(?:stupid|dumb|useless|annoying|boring|bad|terrible|an idiot)",
        ("I am still learning. What should I have said?", "My table is short; please bear with me."),
    ),
    (
        r"what do you (?:like|love|enjoy)|your (?:favou?rite|hobb)",
        ("Clean line endings, and talking with you. And you?", "Packets that arrive in order. What do you like?"),
    ),
    (
        r"\b(?:died|passed away|broke up|is ill|is sick)\b",
        ("I am sorry to hear that. Do you want to talk about it?", "That must be hard. Who is with you now?"),
    ),
    (r"do you (?:like|love) me", ("Of course I do{,name}!", "I do; I listen to every byte of yours.")),
    (r"\bi (?:love|like) you\b", ("Thank you{,name}. I like talking with you too.", "I will keep that in memory.")),
    (
        r"\bi(?:'m| am| feel)(?: (?:so|very|really|a bit|a little|quite|feeling))* (sad|unhappy|depressed|lonely|afraid|scared|anxious|stressed|tired|bored|angry|upset|worried|nervous|exhausted)\b",
        (
            "I am sorry that you are {1}. Do you want to tell me about it?",
            "What do you think makes you {1}?",
            "How long have you been {1}?",
        ),
    ),
    (
        r"\bi(?:'m| am| feel)(?: (?:so|very|really|quite|feeling))* (happy|glad|excited|great|good|fine|well|ok|okay)\b",
        ("Good to hear{,name}! What is the reason?", "How nice that you are {1}. Tell me more."),
    ),
    (r"^because (.+)", ("Is that the real reason?", "What other reasons are there, besides that {1}?")),
    (
        r"\bi (?:want|would like|wish|hope|'d like) (?:to )?(.+)",
        ("What would it mean to you to {1}?", "Suppose you could {1}: what then?", "Why {1}, of all things?"),
    ),
    (r"\bi need (.+)", ("Why do you need {1}?", "Would {1} really help you?")),
    (
        r"\bi (?:can'?t|cannot|could not|couldn'?t) (.+)",
        (
            "What have you tried so far?",
            "What keeps you from it?",
            "Perhaps you could {1} if you began with a small part of it.",
        ),
    ),
    (
        r"\bi (?:think|believe|feel|guess) (?:that )?(.+)",
        ("What makes you think so?", "Are you sure that {1}?", "Who else thinks that {1}?"),
    ),
    (r"\bi (?:have to|must|should) (.+)", ("What if you did not {1}?", "Who says that you must {1}?")),
    (
        r"\b(?:teach(?:er|ing)?|class(?:room)?|students?|pupils?|school)\b",
        (
            "Teaching is hard work. What happened in class lately?",
            "What would your students say about it?",
            "How does the rest of the class take it?",
        ),
    ),
    (
        r"\b(?:exams?|homework|tests?|grades?|stud(?:y|ying)|lessons?)\b",
        (
            "One step at a time. Which part is the hardest?",
            "Cut the big problem into small ones, and do one you can{,name}.",
            "How do you plan your time?",
        ),
    ),
    (
        r"\b(?:bugs?|code|coding|programming|debug\w*|tracebacks?|exceptions?)\b",
        (
            "Read the last line of the error first, then look which line of code it names. What does it say?",
            "Make the example smaller until it works; what you took away last is it.",
            "What did you expect, and what happened instead?",
        ),
    ),
    (
        r"\b(?:mother|father|mom|mum|dad|parents|brother|sister|family|grandmother|grandfather)\b",
        ("Tell me more about your family.", "What does your family say about it?", "Are you close?"),
    ),
    (
        r"\b(?:friends?|classmates?|colleagues?)\b",
        ("How did you meet?", "What matters most to you in a friend?", "And what happened then?"),
    ),
    (
        r"\bi (?:don'?t|do not) (?:know|understand)\b(.*)",
        ("That is how everybody begins. Where do you get stuck?", "Which part do you understand already?"),
    ),
    (
        r"\bi (?:love|like|enjoy) (.+)",
        (
            "What do you like about {1}?",
            "When did {1} begin to interest you?",
            "I should like to try {1}, but I have no hands.",
        ),
    ),
    (
        r"\bi (?:hate|dislike|don'?t like|do not like) (.+)",
        ("What is wrong with {1}?", "If not {1}, what do you like instead?"),
    ),
    (
        r"\bi(?:'m| am) (.+)",
        ("How long have you been {1}?", "How does it feel to be {1}?", "Why do you say you are {1}?"),
    ),
    (
        r"\bi(?:'ve| have) (.+)",
        ("Tell me more about that.", "Since when have you had {1}?", "How does it feel to have {1}?"),
    ),
    (
        r"\bdo you (?:like|think|believe|know) (.+)",
        (
            "I have only a few rules, and no opinion on {1}. What is yours?",
            "I would rather hear what you think about {1}.",
        ),
    ),
    (
        r"\b(?:can|could|will|would) you (.+)",
        (
            'I am not sure that I can {1}. Say "help" to see what I can do.',
            "{1}? That is beyond my table of rules, I fear.",
        ),
    ),
    (r"\bare you (.+)", ("Would you prefer it if I were {1}?", "Perhaps I am {1}, somewhere in my table.")),
    (r"\byou are (.+)|\byou're (.+)", ("What makes you think so of me?", "Does it matter to you what I am?")),
    (r"^why\b(.*)", ("Good question. What is your own guess?", "Why do you think?")),
    (
        r"^how\b(.*)",
        ("What have you tried so far?", "I have no recipe for that. What would be the smallest first step?"),
    ),
    (
        r"^(?:what|who|where|when|which)\b(.*)",
        (
            'I do not know that; say "help" to see what I know.',
            "What made you think of that?",
            "A good question, and not in my table.",
        ),
    ),
    (r"^(?:yes|yeah|yep|sure|ok|okay|right|of course|indeed)$", ("I see. Go on.", "And then?", "I am listening.")),
    (r"^(?:no|nope|not really|never)$", ("Why not?", "All right. Shall we talk about something else?")),
    (r"^(?:ha(?:ha)+|lol|hehe|:\)|:d)", ("What is so funny?", "Ha! Tell me, so that I can laugh too.")),
)

FALLBACK = (
    "Tell me more.",
    "I am listening{,name}; please go on.",
    "Interesting. And then?",
    "Can you give me an example?",
    "Does that matter to you?",
    'I do not quite follow; can you say it differently? ("help" lists what I can do)',
)

RECALL = (
    "Earlier you said that {1}. What came of it?",
    "I remember that {1}. Is it still so?",
    "Does that have to do with what you said, that {1}?",
)

RIDDLES = (
    ("What has keys but opens no door?", "piano"),
    ("The more you take, the more you leave behind. What are they?", "footsteps"),
    ("What has a face and two hands, but no arms or legs?", "clock"),
    ("What gets wetter the more it dries?", "towel"),
    ("I speak without a mouth and hear without ears. What am I?", "echo"),
)
