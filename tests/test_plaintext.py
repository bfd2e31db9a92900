import base64
import quopri
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounces import plaintext
from bounces.plaintext import decode_words, decoded, html_text, transfer_decoded

RUSSIAN = "Ваше письмо не доставлено получателю"
JAPANESE = "メールを送信できませんでした。宛先が見つかりません。"
CHINESE = "您的邮件无法投递，用户不存在"
TAIWANESE = "您的郵件無法投遞，使用者不存在"
KOREAN = "메일을 보낼 수 없습니다"
POLISH = "Wiadomość nie mogła zostać dostarczona do następujących odbiorców"

CHARSETS = [
    # declared and true, under each name that mail has for it
    ("é", "utf-8", "utf-8"),
    ("é", "iso-8859-1", "iso-8859-1"),
    ("é", "latin-1", '"ISO-8859-1"'),
    ("“é” – €", "cp1252", "iso-8859-1"),
    ("“é” – €", "cp1252", "windows-1252"),
    ("“é” – €", "cp1252", "cp-1252"),
    ("żółć", "iso-8859-2", "iso-8859-2"),
    ("żółć", "cp1250", "windows-1250"),
    (RUSSIAN, "koi8-r", "koi8-r"),
    ("їжак", "koi8-u", "koi8-u"),
    (RUSSIAN, "cp1251", "windows-1251"),
    (RUSSIAN, "cp1251", "x-cp1251"),
    ("ημέρα", "cp1253", "windows-1253"),
    ("şöğ", "cp1254", "windows-1254"),
    ("שלום", "cp1255", "windows-1255"),
    ("שלום", "iso-8859-8", "iso-8859-8-i"),
    ("سلام", "cp1256", "windows-1256"),
    ("สวัสดี", "cp874", "windows-874"),
    ("สวัสดี", "cp874", "tis-620"),
    (JAPANESE, "iso2022_jp", "iso-2022-jp"),
    ("①㈱", "cp932", "cp932"),
    (JAPANESE, "cp932", "shift_jis"),
    ("①㈱髙﨑", "cp932", "Shift-JIS"),
    ("①㈱髙﨑", "cp932", "x-sjis"),
    (JAPANESE, "euc_jp", "euc-jp"),
    (CHINESE, "gb18030", "gb2312"),
    ("镕堃", "gb18030", "gb2312"),
    (CHINESE, "gbk", "x-gbk"),
    (TAIWANESE, "big5", "big5"),
    (KOREAN, "euc_kr", "euc-kr"),
    ("똠방각하", "cp949", "ks_c_5601-1987"),
    (KOREAN, "iso2022_kr", "iso-2022-kr"),
    ("é+", "utf-7", "unicode-1-1-utf-7"),
    ("é", "utf-16", "utf-16"),
    # undeclared
    ("é", "utf-8", None),
    ("café", "cp1252", None),
    ("El Niño", "cp1252", None),
    ("Votre message n’a pas été délivré", "cp1252", None),
    ("Die Nachricht konnte nicht zugestellt werden: Empfänger unbekannt", "cp1252", None),
    (JAPANESE, "iso2022_jp", None),
    (KOREAN, "iso2022_kr", None),
    (RUSSIAN, "koi8-r", None),
    (RUSSIAN, "cp1251", None),
    (JAPANESE, "cp932", None),
    (JAPANESE, "euc_jp", None),
    (CHINESE, "gb18030", None),
    (TAIWANESE, "big5", None),
    (KOREAN, "cp949", None),
    (POLISH, "cp1250", None),
    # declared, and not true
    ("é", "utf-8", "us-ascii"),
    ("é", "utf-8", "iso-8859-1"),
    ("é", "cp1252", "us-ascii"),
    ("é", "cp1252", "utf-8"),
    (JAPANESE, "iso2022_jp", "us-ascii"),
    (JAPANESE, "iso2022_jp", "utf-8"),
    (JAPANESE, "utf-8", "iso-2022-jp"),
    (JAPANESE, "euc_jp", "iso-2022-jp"),
    (RUSSIAN, "cp1251", "us-ascii"),
    (RUSSIAN, "cp1251", "iso-8859-1"),
    (RUSSIAN, "koi8-r", "utf-8"),
    (CHINESE, "gb18030", "utf-8"),
    ("é", "utf-8", "x-unknown"),
    ("é", "cp1252", "no-such-charset"),
]


@pytest.mark.parametrize(("text", "written", "declared"), CHARSETS)
def test_charsets_declared_undeclared_and_untrue(text, written, declared):
    """Text is read in the charset it is written in, whatever the mail calls it, and whether it says so or not."""
    assert decoded(text.encode(written), declared)[0] == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x1b$B-!-j\x1b(B", "①㈱"),
        (b"\x1b$B|b\x1b(B", "髙"),
        (b"\x1b(I6E\x1b(B", "ｶﾅ"),
        (b"\x1b$B%+\x1b(I6\x1b(B.", "カｶ."),
        (b"\x1b$B%+%J\nnext line", "カナ\nnext line"),
        (b"\x1b$B%+%", "カ"),
        (b"plain", "plain"),
    ],
)
def test_japanese_mail_as_programs_write_it(data, text):
    """ISO-2022-JP with NEC's and IBM's characters, half-width kana, and without the shift back."""
    assert decoded(data, "iso-2022-jp")[0] == text


@pytest.mark.parametrize(
    ("data", "charset", "flaw"),
    [
        (b"plain", None, None),
        (b"plain", "no-such", None),
        ("é".encode(), "utf-8", None),
        ("é".encode(), None, None),
        (b"\xe9", "iso-8859-1", None),
        (b"\xe9", None, "undeclared charset"),
        (b"\xe9", "no-such", "unknown charset no-such"),
        (b"\xe9", "utf-8", "not valid utf-8"),
        (b"\xe9", "us-ascii", "not valid us-ascii"),
        (b"\x81", "iso-8859-1", "not valid iso-8859-1"),
    ],
)
def test_a_charset_that_is_missing_or_untrue_is_a_flaw(data, charset, flaw):
    """What had to be guessed is said, so that it ends up in the defects."""
    assert decoded(data, charset)[1] == flaw


def test_a_few_bad_bytes_do_not_spoil_the_text():
    """UTF-8 that was cut in the middle of a character, or has one bad byte, stays UTF-8."""
    data = RUSSIAN.encode()
    assert decoded(data[:-1], "utf-8")[0] == RUSSIAN[:-1]
    assert decoded(data[:-1], None)[0] == RUSSIAN[:-1]
    assert decoded(data + b" \xff " + data, "utf-8")[0] == f"{RUSSIAN} \ufffd {RUSSIAN}"


@pytest.mark.parametrize(
    "name", ["base64", "rot13", "zlib", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "os", "../x", "\0"]
)
def test_no_codec_that_is_no_charset_is_used(name):
    """Python's codecs that transform, compress, warn or take quadratic time are no charsets, whatever a stranger declares."""
    assert decoded(b"caf\xc3\xa9 \\y", name) == ("café \\y", f"unknown charset {name}")


def test_a_strangers_charset_is_not_searched_for():
    """An unknown name imports nothing and is remembered nowhere but in a small cache."""
    before = set(sys.modules)
    decoded(b"\xe9\xe9", "surprising-name-42")
    assert {name for name in set(sys.modules) - before if "surprising" in name} == set()


def test_the_detector_is_optional(monkeypatch):
    """Without chardet a text in an unknown charset is read as Western; nothing raises."""
    monkeypatch.setitem(sys.modules, "chardet", None)
    assert decoded("Ваше письмо".encode("cp1251"), None)[0] == "Âàøå ïèñüìî"


@given(st.binary(max_size=200), st.sampled_from([None, "", "utf-8", "us-ascii", "iso-2022-jp", "utf-7", "utf-16", "hz-gb-2312", "euc-kr", "x"]))
def test_any_bytes_decode(data, charset):
    """Whatever the bytes and the declaration, there is text that can be written out again."""
    for start in (b"", b"\x1b$B", b"\x1b(I", b"\x1b$)C\x0e", b"~{", b"+"):
        assert decoded(start + data, charset)[0].encode("utf-8") is not None


WORDS = [
    ("plain", "plain"),
    ("=?utf-8?q?Caf=C3=A9?=", "Café"),
    ("=?UTF-8?B?Q2Fmw6k=?=", "Café"),
    ("=?utf-8?b?Q2Fmw6k=?= =?utf-8?q?_au_lait?=", "Café au lait"),
    ("=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
    ("=?utf-8*en?q?a?=", "a"),
    ("Re: =?iso-8859-1?Q?=E9t=E9?= 2026", "Re: été 2026"),
    ("(=?utf-8?q?a?=)", "(a)"),
    ('"=?utf-8?q?a?=" <a@example.com>', '"a" <a@example.com>'),
    # one character in two words
    ("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é"),
    ("=?utf-8?q?=C3?= =?utf-8?b?qQ==?=", "é"),
    ("=?iso-2022-jp?B?GyRCJWEbKEI=?= =?iso-2022-jp?B?GyRCITwbKEI=?=", "メー"),
    ("=?utf-8?q?a?= =?iso-8859-1?q?=E9?=", "aé"),
    # not quite as RFC 2047 has it
    ("=?utf-8?q?with spaces?=", "with spaces"),
    ("=?utf-8?b?Q2Fmw6k?=", "Café"),
    ("=?gb2312?B?xPrS0b3Q?=", "您已叫"),
    ("=?no-such?q?x?=", "x"),
    ("=?utf-8?b?a?=", "=?utf-8?b?a?="),
    ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
    ("=?utf-8?q?unclosed", "=?utf-8?q?unclosed"),
    ("a =? b ?= c", "a =? b ?= c"),
    ("=?utf-8?q??=", ""),
]


@pytest.mark.parametrize(("value", "text"), WORDS)
def test_encoded_words(value, text):
    """Words side by side are joined before they are decoded, and what is no word stays as it is."""
    assert decode_words(value) == text


@given(st.text(min_size=1), st.integers(1, 10))
def test_a_text_split_into_words_anywhere_comes_back(text, size):
    """Mailers split characters between words; the bytes joined are the text."""
    data = text.replace("\0", "").encode()
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    words = " ".join(f"=?utf-8?b?{base64.b64encode(piece).decode()}?=" for piece in pieces)
    assert decode_words(words) == data.decode()


@given(st.binary(max_size=300))
def test_transfer_encodings_are_undone(data):
    """What was encoded comes back, also with other line ends, and cut off where the last character was lost."""
    assert transfer_decoded(base64.encodebytes(data), "base64") == data
    assert transfer_decoded(base64.encodebytes(data).replace(b"\n", b"\r\n"), "BASE64") == data
    assert transfer_decoded(base64.b64encode(data).rstrip(b"="), "base64") == data
    lines = data.replace(b"\r", b"")  # a body comes with Unix line ends
    assert transfer_decoded(quopri.encodestring(lines), "quoted-printable").rstrip(b"\n") == lines.rstrip(b"\n")
    assert transfer_decoded(data, "7bit") == transfer_decoded(data, "x-no-such") == data


@pytest.mark.parametrize(
    ("body", "encoding", "expected"),
    [
        (b"UmVwb3J0\n-- \nsent from a gateway\n", "base64", b"Report"),
        (b"UmVwb3J0Cg==\nThis footer is no base64!\n", "base64", b"Report\n"),
        (b"UmVw!b3J0\n", "base64", b"UmVw!b3J0\n"),
        (b"UmVwb3J0Cg==\nUmVwb3J0Cg==\n", "base64", b"Report\nReport\n"),
        (b"UmVw\n\nb3J0", "base64", b"Report"),
        (b"U mVwb3J0", "base64", b"Report"),
        (b"UmVwb3J0CgA", "base64", b"Report\n\0"),
        (b"UmVwb3J0C", "base64", b"Report"),
        (b"This text is no base64 at all.\n", "base64", b"This text is no base64 at all.\n"),
        (b"", "base64", b""),
        (b"a=20=\nb  \n=3D", "quoted-printable", b"a b\n="),
        (b"a= \nb", "quoted-printable", b"ab"),
        (b"50 = 50, ==3D, =ZZ =c3=a9", "quoted-printable", "50 = 50, ==, =ZZ é".encode()),
        (b"caf\xc3\xa9 =41", "quoted-printable", "café A".encode()),
        (b"=41", " Quoted-Printable ; x", b"A"),
        (b"=41", '"quoted-printable"', b"A"),
        (b"=41", "8bit", b"=41"),
    ],
)
def test_dirty_encodings_lose_as_little_as_can_be(body, encoding, expected):
    """Footers, stray characters, lost padding and lone signs spoil nothing around them, and plain text called base64 stays text."""
    assert transfer_decoded(body, encoding) == expected


PAGES = [
    ("", ""),
    ("plain & simple", "plain & simple"),
    ("<p>Message to&nbsp;<b>a@example.com</b></p><div>couldn&#39;t be<br>delivered</div>", "Message to a@example.com\n\ncouldn't be\ndelivered"),
    ("<table><tr><td>Recipient:</td><td>a@example.com</td></tr><tr><th>Why</th><td>full</td></tr></table>", "Recipient: a@example.com\n\nWhy full"),
    ("<html><head><title>T</title><style>p{}</style></head><body>text</body></html>", "text"),
    ("<html><head><meta charset=utf-8><body>no head was closed", "no head was closed"),
    ("<STYLE type='a>b'>p{}</STYLE >text<script>if (a<b) {}</script>", "text"),
    ("a<!-- hidden > <b> -->b<!---->c", "abc"),
    ("a <!-- never closed <b>b</b>", "a b"),
    ("<!DOCTYPE html><?xml version='1.0'?>text", "text"),
    ("one<br/>two<BR >three<hr>four", "one\ntwo\nthree\nfour"),
    ("<ul><li>one<li>two</ul>", "one\ntwo"),
    ("a\n  b\tc", "a b c"),
    ("<pre>Received: by x\n\tid 1\n</pre>after\nwards", "Received: by x\nid 1\n\nafter wards"),
    ("<a href='mailto:a@example.com?subject=x'>Ann</a>", "Ann <mailto:a@example.com>"),
    ("<a href=mailto:a@example.com>A@example.com</a>", "A@example.com"),
    ('<a href="https://example.com/?a=1">here</a>', "here"),
    ("to <a@example.com>: failed", "to <a@example.com>: failed"),
    ("to &lt;a@example.com&gt;", "to <a@example.com>"),
    ("1 < 2 and 2 > 1", "1 < 2 and 2 > 1"),
    ('<p title="a > b">text</p>', "text"),
    ('<p title="a>text</p>', "text"),
    ("<o:p>word</o:p>", "word"),
    ("<p hidden>no</p><p style='DISPLAY : none'>no <p>no</p></p>yes", "yes"),
    ("<div style='display:none'>all of it", "all of it"),
    ("<img style='display:none'>seen", "seen"),
    ("a\u200bb\u00adc&#8203;d", "abcd"),
    ("&eacute;&#233;&#xE9;&unknown;&#x110000;", "ééé&unknown;\ufffd"),
    ("&#" + "9" * 5000 + ";a", "a"),
    ("a<", "a<"),
]  # fmt: skip


@pytest.mark.parametrize(("markup", "text"), PAGES)
def test_html_is_read_as_a_person_sees_it(markup, text):
    """Blocks are lines, cells are apart, code and hidden elements aren't there, entities are characters, links' addresses are shown."""
    assert html_text(markup) == text


@given(st.text(alphabet="<>/!-=\"' apbrtd&;#x1\n"))
def test_any_markup_gives_tidy_text(markup):
    """Whatever the markup, there are no two spaces and no two empty lines in a row."""
    text = html_text(markup)
    assert "  " not in text
    assert "\n\n\n" not in text
    assert text == text.strip()


HOSTILE_MARKUP = [
    "<",
    "<a",
    "<a ",
    '<a "',
    "<a '\"",
    "<!--",
    "<!---->",
    "<div>",
    "</div>",
    "<title>",
    "<style>",
    "<style></style>",
    "&",
    "&#",
    "</",
    "<pre>",
]
HOSTILE_MARKUP += ["<p hidden>", "<a href=mailto:a@b>", "<a href=mailto:a@b>x</a>", "<br>", " ", "\n", "&#9999999;", "a<b", "<p style='display:"]
HOSTILE_WORDS = ["=?", "=?a?b?", "=?utf-8?q?a?= ", "=?utf-8?q?a?=", "=?utf-8?b?=?=", "?=", "=?x?q?=ff?= ", " "]


def seconds(function, piece, size):
    """Return the best of three times that a function takes over a text of one piece again and again."""
    text = piece * (size // len(piece))
    times = []
    for _ in range(3):
        start = time.perf_counter()
        function(text)
        times.append(time.perf_counter() - start)
    return min(times)


def test_octal_escapes_of_utf_8_are_undone():
    """Exim writes bytes beyond ASCII so; what is no UTF-8, or a single one, stays as it is."""
    assert plaintext.unescaped(r"550 \320\235\320\265\321\202 \303\251") == "550 Нет é"
    assert plaintext.unescaped(r"C:\377\377 \303 \12\34") == r"C:\377\377 \303 \12\34"


@pytest.mark.parametrize(("function", "piece"), [(html_text, piece) for piece in HOSTILE_MARKUP] + [(decode_words, piece) for piece in HOSTILE_WORDS])
def test_time_is_linear_in_a_hostile_text(function, piece):
    """Nothing backtracks: eight times the text costs about eight times the time."""
    assert seconds(function, piece, 160_000) < 8 * 3 * seconds(function, piece, 20_000) + 0.1


@pytest.mark.parametrize("piece", [b"\xff", b"\x1b$B", b"\x1b$B-!", b"\xc3", b"+AGE-", b"~{", b"\x81", b"\xd8\x00"])
@pytest.mark.parametrize("charset", [None, "utf-8", "iso-2022-jp", "utf-7", "hz-gb-2312", "iso-8859-1", "utf-16"])
def test_time_is_linear_in_hostile_bytes(piece, charset):
    """No charset, declared or guessed, makes a quarter of a megabyte take more than a second."""
    assert seconds(lambda data: plaintext.decoded(data, charset), piece, 256 * 1024) < 1
