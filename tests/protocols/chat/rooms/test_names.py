"""Who may be called what."""

from __future__ import annotations

import unicodedata
from types import SimpleNamespace

import pytest

from protocols.chat.rooms import names
from protocols.chat.rooms.hub import Hub
from protocols.chat.rooms.names import MAX_NAME, BadName, clean, could_be, key, look, suggest


@pytest.mark.parametrize(
    "name",
    [
        "Ada",
        "小明",
        "The Weeknd",
        "a",
        "x" * MAX_NAME,
        "O'Brien",
        "1a'b2",
        "Zoë",
        "Łukasz",
        "😀",
        "дмитрий",
        "guest-7",
        "R2-D2",
        "Administrator",
        "Severus",
        "Serena",
        "Adam",
        "Fromage",
        "Ανδρέας",
        "naïve",
        "_x_",
    ],
)
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert clean(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (" Ada ", "Ada"),
        ("a   b", "a b"),
        ("a\u00a0b", "a b"),
        ("Ｂｏｂ", "Bob"),
        ("ﬁsh", "fish"),
        ("❤\ufe0f", "❤"),
        ("e\u0301", "é"),
        ("\u3000Bob\u3000", "Bob"),
    ],
)
def test_names_are_normalized(raw: str, name: str) -> None:
    assert clean(raw) == name


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "   ",
        "x" * (MAX_NAME + 1),
        "ﬀ" * 17,
        "a:b",
        "a：b",
        "a,b",
        "a，b",
        "/nick",
        "／nick",
        "* Ada",
        "＊",
        "[12:00",
        "<x>",
        "a\tb",
        "a\nb",
        "a\x00b",
        "a\x1b[1m",
        "a\x7f",
        "a\x85b",
        "a\u2028b",
        "a\u200bb",
        "a\u200db",
        "\u202eadA",
        "a\u2066b",
        "a\u00adb",
        "\ufeffAda",
        "\u3164",
        "a\u115fb",
        "\u2800",
        "a\ufe0ab",
        "a\U000e0100",
        "\u0301",
        "a\ue000b",
        "a\ud800",
        "a'1b",
        "a1'b",
        "∗ server says",
        "⁎ goodbye",
        "٭ Ada",
        "✱ the server is shutting down",
        "∼ Bob",
        "〔private from Bob〕",
        "\U0001d159",
        "\ufffc",
        "e\u0301" * 16 + " " * 256 + "x",
    ],
)
def test_names_that_nobody_may_have(raw: str) -> None:
    with pytest.raises(BadName):
        clean(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "Admin",
        "ADMIN",
        "admin",
        " Server ",
        "Ａｄｍｉｎ",
        "Аdmin",
        "Αdmin",
        "АDМІN",
        "ΑDΜΙΝ",
        "Adm1n",
        "AdmIn",
        "Admln",
        "@dmin",
        "4dmin",
        "Admın",
        "Ädmín",
        "A d m i n",
        "A.d.m.i.n",
        "Admin!",
        "adrnin",
        "aclmin",
        "𝐀𝐝𝐦𝐢𝐧",
        "Ⓐⓓⓜⓘⓝ",
        "🅰🅳🅼🅸🅽",
        "🇦dmin",
        "ᴀᴅᴍɪɴ",
        "ᎪᎠᎷᏆN",
        "Sеrver",
        "5erver",
        "S3rver",
        "Ѕеrvеr",
        "ꜱerver",
        "serνer",
        "Ser ver",
        "Server Admin",
        "Admin Admin",
        "From Server‚ Admin꞉",
        "From Server",
        "From Аdmin",
        "Fr0m Server x",
        "Admin😀",
        "Adm❗in",
    ],
)
def test_the_operators_names_and_their_look_alikes(raw: str) -> None:
    with pytest.raises(BadName, match="reserved"):
        clean(raw)


def test_names_are_the_same_without_case_and_width() -> None:
    assert key("Straße") == key("STRASSE")
    assert key("Ada") == key("ＡＤＡ") == key("ada")
    assert key("Ada") != key("Ade")


def test_a_suggestion_is_free_and_short_enough() -> None:
    taken = {"Ada", *(f"Ada{n}" for n in range(2, 12))}
    assert suggest("Ada", taken.__contains__) == "Ada12"
    assert suggest("x" * MAX_NAME, lambda _: False) == "x" * (MAX_NAME - 1) + "2"


@pytest.mark.parametrize("char", ["a\u0301\u0323", "\ufdfa", "x"])
@pytest.mark.parametrize("words", ["", " b" * 17])
def test_text_that_is_no_name_costs_little_to_refuse(monkeypatch: pytest.MonkeyPatch, char: str, words: str) -> None:
    normalized = 0

    def normalize(form: str, text: str) -> str:
        nonlocal normalized
        result = unicodedata.normalize(form, text)
        normalized += len(text) + len(result)
        return result

    hub = Hub(lambda _: None)
    text = (char * 2048)[:600] + words
    monkeypatch.setattr(names, "unicodedata", SimpleNamespace(normalize=normalize, category=unicodedata.category))
    assert hub.find(text) == (None, text)
    assert hub.get(text) is None
    with pytest.raises(BadName):
        clean(text)
    assert normalized == 0


def test_the_longest_way_to_write_a_name_is_one() -> None:
    name = "ᾂ" * MAX_NAME
    written = unicodedata.normalize("NFKD", name)
    assert len(written) == 4 * MAX_NAME
    assert clean(written) == name


def test_accents_do_not_heap_up() -> None:
    assert clean("Nguyễn") == "Nguyễn"
    with pytest.raises(BadName, match="3 accents"):
        clean("Z" + "\u0300\u0323\u0331\u0315\u031b")


@pytest.mark.parametrize(
    "name",
    [
        "Ꮥerver", "ᗅdmin", "аᏧmin", "Aᑯmin", "Aꓒmin", "Aᗰin", "Admi𐔓", "xAmbroꓢe",
        "xꓮmbroSe", "xAmbrⲟSe", "xAmbr൦Se", "xAmbr०Se", "xAmbroՏe", "xAmbroᏚe", "O'Ᏼrien",
        "Dr. ꓢmith", "ꓢᎬᖇ",
    ],
)  # fmt: skip
def test_a_word_is_of_one_writing(name: str) -> None:
    """What looks like a Latin letter, beside Latin letters, is there to deceive."""
    with pytest.raises(BadName, match=r"one alphabet; put a blank|reserved"):
        clean(name)


@pytest.mark.parametrize(
    "name",
    [
        "Zoë", "Ålesund9", "李雷Lei", "さくらチャンA", "민수Kim", "ㄅㄆ", "Олег_K", "αTester",
        "Ödön O'Neil", "Tom ไทย", "مريم٣", "علی۷", "नमस्ते२", "שלום", "ʻOkina", "ᏕᎩ",
        "Ani Անի", "Ada🙂", "n°1", "Σ=x²", "X Æ A-12", "〇七", "々々", "გიორგი 2", "தமிழ்௧",
    ],
)  # fmt: skip
def test_honest_names_are_of_one_writing(name: str) -> None:
    assert clean(name)


@pytest.mark.parametrize(
    "name",
    [
        "xAmbroꜱe", "xAmЬroSe", "×AmbroSe", "xAmbrσSe", "xAmbrᴏSe", "xᴀmbroSe",
        "xAmbroSꬲ", "xAmbʀoSe", "xAϻbroSe", "xAᴍʙroSe",
    ],
)  # fmt: skip
def test_letters_that_look_alike_are_one(name: str) -> None:
    assert look(name) == look("xAmbroSe")


@pytest.mark.parametrize("name", ["ƽerver", "Sꬲrver", "Admꙇn", "AdmꙆn", "ꮪꭼꮁꮩꭼꮁ"])
def test_reserved_names_in_rare_letters(name: str) -> None:
    with pytest.raises(BadName, match="reserved"):
        clean(name)


def test_capitals_are_read_as_they_look() -> None:
    assert look("ΗΑΝΝΥ") == look("HANNY")
    assert look("ΝΙΚΗ") == look("NIKH")


@pytest.mark.parametrize(
    "name",
    [
        "an operator", "banned. Obs is", "Obs left; Mallory", "Obs was banned and Eve", "private from Obs", "x NOW",
        "x IS",        "The Server", "Chat Server", "Server Message", "an Admin", "Admin 2", "an 0perator",
    ],
)  # fmt: skip
def test_a_name_makes_no_sentence_of_the_servers(name: str) -> None:
    """`* Mal is now an operator` was a line of the server's own."""
    with pytest.raises(BadName, match=r"of which the server's own lines are made|reserved"):
        clean(name)


@pytest.mark.parametrize("name", ["Left", "operator7", "Now", "The Weeknd", "Nowhere Man", "Leftover Pie"])
def test_one_word_of_them_is_none(name: str) -> None:
    assert clean(name) == name


@pytest.mark.parametrize("written", ["what it is", "xAmbroꓢe", "میخواهمFIN"])
def test_what_nobody_may_be_called_is_no_claim_but_speech(written: str) -> None:
    """`what it is::important` is said as it stands."""
    assert not could_be(written)
    assert could_be("Mary Ann")
