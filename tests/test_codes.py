import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounces import codes
from bounces.codes import REPLY_CODES, compile_pattern, find, find_status, is_bare, permanence, plain
from bounces.model import Permanence

# what servers and notices really write: the text, the reply code in it, the enhanced code in it
REPLIES = [
    # as RFC 5321 and RFC 3463 have it
    ("550 5.1.1 User unknown", "550", "5.1.1"),
    ("550 User unknown", "550", None),
    ("550 user unknown", "550", None),
    ("552 5.2.2 Mailbox full", "552", "5.2.2"),
    ("452 4.2.2 Mailbox full", "452", "4.2.2"),
    ("421 Service not available, closing transmission channel", "421", None),
    ("501 Syntax error in parameters or arguments", "501", None),
    ("500 Line too long", "500", None),
    ("552 Message size exceeds fixed maximum message size", "552", None),
    ("452 Too many recipients", "452", None),
    ("550", "550", None),
    ("5.1.1", None, "5.1.1"),
    ("", None, None),
    # the enhanced code beside it, in every dress
    ("550-5.1.1 The email account that you tried to reach does not exist. Please try\n550-5.1.1 double-checking\n550 5.1.1 it", "550", "5.1.1"),
    ("550 #5.1.0 Address rejected.", "550", "5.1.0"),
    ("550:5.1.1 <user@example.com> unknown", "550", "5.1.1"),
    ("550: 5.1.1 unknown", "550", "5.1.1"),
    ("552:5.2.2 quota", "552", "5.2.2"),
    ("550 (5.1.1) unknown", "550", "5.1.1"),
    ("550 (#5.1.1) unknown", "550", "5.1.1"),
    ("550 <5.1.1> unknown", "550", "5.1.1"),
    ("550 [5.1.1] unknown", "550", "5.1.1"),
    ("550/5.1.1 unknown", "550", "5.1.1"),
    ("550, 5.1.1 unknown", "550", "5.1.1"),
    ("550 - 5.1.1 unknown", "550", "5.1.1"),
    ("550\t5.1.1\tunknown", "550", "5.1.1"),
    ("550\n 5.1.1 unknown", "550", "5.1.1"),
    ("550 5.1.1", "550", "5.1.1"),
    ("550 5.1.1User unknown", "550", "5.1.1"),
    ("550 5.7.1[192.0.2.1] blocked", "550", "5.7.1"),
    ("550-'5.7.1 <user@example.com>... Access denied'", "550", "5.7.1"),
    ("421-4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred", "421", "4.7.0"),
    ("<421 4.4.2 mx.example.com Error: timeout exceeded>", "421", "4.4.2"),
    ("host mx.example.com[192.0.2.1] said: 450-4.7.1 Greylisted", "450", "4.7.1"),
    ("550 5.7.606 Access denied, banned sending IP [192.0.2.1]", "550", "5.7.606"),
    ("#5.1.1", None, "5.1.1"),
    ("unknown user (#5.1.1)", None, "5.1.1"),
    ("Status: 5.1.1 (bad destination mailbox)", None, "5.1.1"),
    ("5.1.1 (bad destination mailbox)", None, "5.1.1"),
    ("DSN 5.1.10 (RecipientNotFound)", None, "5.1.10"),
    ("dsn=4.4.1, status=deferred", None, "4.4.1"),
    ("5.1.1 - unknown address", None, "5.1.1"),
    ("SMTP; 5.1.1 unknown", None, "5.1.1"),
    ("SMTP: 5.1.1 unknown", None, "5.1.1"),
    ("Remote server: 5.1.1 unknown", None, "5.1.1"),
    ("Error 5.1.1: no such user", None, "5.1.1"),
    ("5.1.1:User unknown", None, "5.1.1"),
    ("5.1.1 550 User unknown", "550", "5.1.1"),
    ("smtp; 5.1.1 (550 User unknown)", "550", "5.1.1"),
    ("550 Administrative prohibition (5.7.1)", "550", "5.7.1"),
    # a specific enhanced code is worth more than a bare one
    ("5.0.0 error; the server said 5.2.2", None, "5.2.2"),
    ("554 5.0.0 Service unavailable", "554", "5.0.0"),
    ("4.0.0", None, "4.0.0"),
    # what stands before a reply
    ("SMTP;550 No such user", "550", None),
    ("smtp; 554 30 Sorry, your message to user@example.com cannot be delivered", "554", None),
    ("ERROR_CODE :550", "550", None),
    ("[550]", "550", None),
    ("(550)", "550", None),
    ("<<< 550 'user'", "550", None),
    ("550 'user' is not here", "550", None),
    ("host mx.example.com said: 550 No such person", "550", None),
    ("the response was: 550 Access denied - Invalid HELO", "550", None),
    ("The error code is 550 and the mailbox is gone", "550", None),
    ("The error that the other server returned was:\n550 Unknown recipient", "550", None),
    ("rejected with 554 spam", "554", None),
    ("error number 550", "550", None),
    ('Remote Server returned "550 sorry"', "550", None),
    ("SMTP error from remote mail server after RCPT TO:<user@example.com>: 551 not here", "551", None),
    ("Remote host replied: 553 sorry, that domain isn't in my list of allowed rcpthosts", "553", None),
    ("reason: 550 no mailbox here by that name", "550", None),
    ("Reason: There was an error while attempting to deliver. 550 Requested action not taken: mailbox unavailable", "550", None),
    ("user@example.com:550 no such user", "550", None),
    ("550-Verification failed for <list@example.com>\n550-Previous (cached) callout\n550 Sender verify failed", "550", None),
    (">>> RCPT TO:<user@example.com>\n<<< 553 sorry", "553", None),
    ("    550 unknown", "550", None),
    ("* 550 unknown", "550", None),
    ("559 odd but the server's own", "559", None),
    ("smtp; 570 Mail rejected", "570", None),
    # other scripts and languages beside it, touching or not
    ("错误代码550 用户不存在", "550", None),
    ("远程服务器返回550 5.1.1用户不存在", "550", "5.1.1"),
    ("状态5.1.1邮箱不存在", None, "5.1.1"),
    ("退信原因：550 User not found", "550", None),
    ("エラー 550 ユーザーが見つかりません", "550", None),
    ("相手先サーバーの応答：「550 Unknown user」", "550", None),
    ("오류 코드: 550 5.1.1 사용자 없음", "550", "5.1.1"),
    ("код ошибки 550: нет такого пользователя", "550", None),
    ("Ошибка: 550 5.7.1 Спам", "550", "5.7.1"),
    ("Fehlercode 550 – Postfach nicht gefunden", "550", None),
    ("Der Server meldete: 552 Postfach voll", "552", None),
    ("Código de error: 550 buzón no disponible", "550", None),
    ("Erreur 550 – boîte inexistante", "550", None),
    # several numbers: what explains the outcome, not what surrounds it
    ("220 mx.example.com ESMTP\n250 OK\n550 5.1.1 unknown", "550", "5.1.1"),
    ("<<< 220 mx.example.com ESMTP Postfix\n>>> MAIL FROM:<a@example.org>\n<<< 250 2.1.0 Ok\n<<< 550 No such user", "550", None),
    ("connected to mx.example.com port 25, 3 of 450 messages done; said: 550 5.1.1 unknown", "550", "5.1.1"),
    ("552 552 5.2.2 over quota", "552", "5.2.2"),
    ("550 4.4.7 expired", "550", "4.4.7"),
    # no codes at all
    ("connect to mx.example.com[192.0.2.1]:25: Connection refused", None, None),
    ("connect to 192.0.2.1:554: Connection refused", None, None),
    ("port 554", None, None),
    ("on ports: 554", None, None),
    ("2001:db8::550", None, None),
    ("[2001:db8::550]", None, None),
    ("host 2001:0db8:85a3:0000:0000:8a2e:0370:550 is down", None, None),
    ("192.5.1.1", None, None),
    ("5.1.1.2", None, None),
    ("4.2.2.1 is no resolver of ours", None, None),
    ("550.example.com", None, None),
    ("5.1.1.in-addr.arpa", None, None),
    ("network 4.5.1.0/24", None, None),
    ("Exim 4.96", None, None),
    ("Exim 4.9.6", None, None),
    ("(Exim 4.69)", None, None),
    ("Postfix 3.5.2", None, None),
    ("PowerMTA(TM) v4.5.1", None, None),
    ("Sendmail (5.6.7)", None, None),
    ("hMailServer 5.6.7", None, None),
    ("version: 4.8.5", None, None),
    ("Microsoft SMTPSVC 5.2.3790", None, None),
    ("ESMTP MailEnable Service, Version: 5.0.1", None, None),
    ("amavisd-new-2.5.1", None, None),
    ("Linux 5.4.0-42-generic", None, None),
    ("see RFC 5321 section 4.2.1", None, None),
    ("RFC 5321, Section 4.5.3.1.10", None, None),
    ("am 5.1.23 um 10:00 Uhr", None, None),
    ("5.1.2024", None, None),
    ("Mon, 1 Jan 2024 10:45:52 +0550", None, None),
    ("12:30:550", None, None),
    ("2024-01-02 12:30:05,450 ERROR smtp", None, None),
    ("Sep 450", None, None),
    ("552 bytes", None, None),
    ("452 KB of 500 MB", None, None),
    ("(550 messages)", None, None),
    ("550 messages are waiting", None, None),
    ("You may send 500 messages a day", None, None),
    ("retry after 450 seconds", None, None),
    ("more than 550 people", None, None),
    ("Size: 452\nLines: 552", None, None),
    ("Content-Length: 512", None, None),
    ("delay=450, delays=0.1/0/0/450", None, None),
    ("line 554 of the file", None, None),
    ("$550 and €500", None, None),
    ("550%", None, None),
    ("1,550", None, None),
    ("550,000", None, None),
    ("queued as 550A12B3", None, None),
    ("4F5503C4 (queue id: 450)", None, None),
    ("<550-1234.abc@example.com>", None, None),
    ("Message-ID: <20240102.550@example.com>", None, None),
    ("Message-ID: <4.5.1@example.com>", None, None),
    ("user550@example.com", None, None),
    ("550@example.com", None, None),
    ("(555) 123-4567", None, None),
    ("phone: 555 0100", None, None),
    ("+1-800-555-0199", None, None),
    ("ticket #550", None, None),
    ("HTTP/1.1 502 Bad Gateway", None, None),
    ("HTTP error 503", None, None),
    ("https://support.example.com/550 and /5.1.1", None, None),
    ("http://example.com/?code=550&x=1", None, None),
    ("2024", None, None),
    ("5500", None, None),
    ("12345.1.1", None, None),
    ("220 mx.example.com ESMTP ready", None, None),
    ("250 2.1.5 Ok", None, None),
    ("354 End data with <CR><LF>.<CR><LF>", None, None),
]


def test_the_table_is_long_enough():
    """At least a hundred realistic lines."""
    assert len(REPLIES) >= 100


@pytest.mark.parametrize(("text", "reply_code", "status"), REPLIES)
def test_codes_are_found_where_they_are_codes(text, reply_code, status):
    """A reply is found in each dress that servers give it, and nothing else is taken for one."""
    found = find(text)
    assert (reply_code, status) == (found.reply_code, found.status)


@pytest.mark.parametrize(("text", "reply_code", "status"), [row for row in REPLIES if row[1] or row[2]])
def test_start_is_where_the_first_code_stands(text, reply_code, status):
    """`start` is an offset in the text that was given, so that a caller can cut there."""
    start = find(text).start
    assert text[start:].startswith(tuple(code for code in (reply_code, status) if code))


@pytest.mark.parametrize(("text", "reply_code", "status"), REPLIES)
def test_line_ends_make_no_difference(text, reply_code, status):
    """The same reply is found whether the text came with LF or CRLF."""
    found = find(text.replace("\n", "\r\n"))
    assert (reply_code, status) == (found.reply_code, found.status)


@pytest.mark.parametrize(
    ("text", "reply_code", "status"),
    [
        ("250 2.1.5 Ok", "250", "2.1.5"),
        ("smtp; 250 ok dirdel", "250", None),
        ("smtp;250 2.6.0 Message relayed; earlier 451 4.7.1 greylisted", "250", "2.6.0"),
        ("550 5.1.1 unknown", None, None),
    ],
)
def test_success_looks_for_2yz_only(text, reply_code, status):
    """A delivery's reply is of the class 2; refusals beside it are none of it."""
    found = find(text, success=True)
    assert (reply_code, status) == (found.reply_code, found.status)


def test_find_status_takes_any_class():
    """The Status field (RFC 3464, 2.3.4) is read whatever its class and whatever words follow."""
    fields = ["5.1.1", "2.0.0 (success)", " 4.4.7 (delivery time expired)", "4.2.2 over quota", "(5.1.1)", "5.1.1\x00"]
    assert [find_status(field) for field in fields] == ["5.1.1", "2.0.0", "4.4.7", "4.2.2", "5.1.1", "5.1.1"]
    assert [find_status(field) for field in ("", "unknown", "3.5.1")] == [None, None, None]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("550 5.1.1 unknown", "550 5.1.1 unknown"),
        ("550-5.1.1 The account\n550-5.1.1 does not\n550 5.1.1 exist", "550-5.1.1 The account does not exist"),
        ("550-No\r\n550-such\r\n550 user", "550-No such user"),
        ("smtp; 554-mx.example.com\n 554 blocked", "smtp; 554-mx.example.com blocked"),
        ("host mx said: 550-5.7.1 Bad 550 5.7.1 reputation (in reply to DATA)", "host mx said: 550-5.7.1 Bad reputation (in reply to DATA)"),
        ("550-5.1.1 no\n550 5.1.1", "550-5.1.1 no"),
        ("550 5.1.1 one -> 554 5.7.1 two", "550 5.1.1 one -> 554 5.7.1 two"),
        ("550 one\n550 two", "550 one 550 two"),
        ("  no\n\tcode  at all ", "no code at all"),
        ("", ""),
    ],
)
def test_plain_says_a_multi_line_reply_in_one_line(text, line):
    """Each line of a multi-line reply repeats the code; in one line it stands once."""
    assert line == plain(text)


WORDS = st.text(alphabet="abcdefghij:<>", min_size=1)


@given(st.sampled_from(["550", "421"]), st.sampled_from(["", "5.1.1 "]), st.lists(WORDS, min_size=2), st.sampled_from(["\n", "\r\n", "\n  ", " "]))
def test_plain_keeps_every_word_and_the_code_once(code, status, lines, ends):
    """A multi-line reply (RFC 5321, 4.2.1), folded or not, loses nothing but the repeated codes."""
    reply = ends.join(f"{code}{'-' if number < len(lines) else ' '}{status}{words}" for number, words in enumerate(lines, 1))
    assert plain(reply) == f"{code}-{status}{' '.join(lines)}"


@given(st.text(alphabet="245 05.1-\n\t\x85"))
def test_plain_is_one_line(text):
    """A plain reply has no line break and no doubled space, whatever it was made of."""
    assert plain(text) == " ".join(plain(text).split())


@given(st.text(alphabet="245 05.1-#:;()[]<>\n\tab@/,%é错٥"), st.booleans())
def test_what_is_found_stands_in_the_text(text, success):
    """Whatever the text, a code that is found stands in it, is ASCII digits, and is of a class that was asked for."""
    found = find(text, success=success)
    for code in (found.reply_code, found.status):
        if code is not None:
            assert code in text
            assert code.isascii()
            assert (code[0] == "2") == success
            assert 0 <= found.start < len(text)


REFUSALS = st.sampled_from(sorted(code for code in REPLY_CODES if code[0] in "45"))
STATUSES = st.from_regex(r"[45]\.[0-7]\.[1-9][0-9]?", fullmatch=True)


@given(REFUSALS, STATUSES, st.text(max_size=20))
def test_a_reply_with_its_enhanced_code_is_always_found(reply_code, status, words):
    """Code and enhanced code at the start of a text are the reply, whatever the server says after them."""
    found = find(f"{reply_code} {status} {words}")
    assert (reply_code, status) == (found.reply_code, found.status)


HOSTILE = (
    "550 |550-|5.1.1 |5.1.1.|5.1.1|<<< |550 5.1.1.1 | |\n|said |4.4.4-|550|5|552 \t|::550|550-550-|a.5.1.1.|error error 550 |550/"
    "|server 5.1.1 |550#(|中550|550-aaaa|501 #"
).split("|")


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_is_linear_in_a_hostile_text(piece):
    """Nothing backtracks: eight times the text costs about eight times the time, and a megabyte is never minutes."""

    def seconds(size):
        text = piece * (size // len(piece))
        times = []
        for _ in range(3):
            start = time.perf_counter()
            find(text)
            find_status(text)
            plain(text)
            times.append(time.perf_counter() - start)
        return min(times)

    assert seconds(800_000) < 8 * 3 * seconds(100_000) + 0.05


@pytest.mark.parametrize(
    ("status", "bare"), [("5.0.0", True), ("4.0.0", True), ("2.0.0", True), ("5.1.0", False), ("5.0.1", False), ("5.0.350", False), (None, False)]
)
def test_a_bare_code_tells_its_class_only(status, bare):
    """x.0.0 is "other undefined status" (RFC 3463, 3.1); x.1.0 says at least that it is about the address."""
    assert bare is is_bare(status)


@pytest.mark.parametrize(
    ("reply_code", "status", "expected"),
    [
        ("550", "4.4.7", Permanence.PERMANENT),
        ("450", "5.1.1", Permanence.TRANSIENT),
        ("552", "4.2.2", Permanence.PERMANENT),
        (None, "5.1.1", Permanence.PERMANENT),
        (None, "4.2.2", Permanence.TRANSIENT),
        ("250", None, Permanence.UNKNOWN),
        (None, None, Permanence.UNKNOWN),
        ("", "", Permanence.UNKNOWN),
    ],
)
def test_the_reply_code_decides_permanence(reply_code, status, expected):
    """The sending server acted on the reply's first digit (RFC 5321, 4.2.1); the enhanced code counts only without it."""
    assert expected is permanence(reply_code, status)


@pytest.mark.parametrize(
    ("pattern", "fits", "misses"),
    [
        ("5.2.2", ["5.2.2"], ["4.2.2", "5.2.22", "5x2x2"]),
        ("x.2.2", ["5.2.2", "4.2.2", "2.2.2"], ["3.2.2", "5.2.20"]),
        ("x.1.*", ["5.1.0", "4.1.10", "5.1.351"], ["5.2.1", "5.1.1000"]),
        ("x.7.606-649", ["5.7.606", "5.7.649", "4.7.620"], ["5.7.605", "5.7.650", "5.7.60"]),
        ("5.7.9-11", ["5.7.9", "5.7.10", "5.7.11"], ["5.7.1", "5.7.12"]),
        ("550", ["550"], ["551", "5500"]),
        ("5yz", ["500", "599"], ["450", "5٥٥"]),
        ("45z", ["450", "459"], ["460"]),
    ],
)
def test_a_code_pattern_fits_what_it_says(pattern, fits, misses):
    """A rule's pattern stands for one code, any class, any detail, or a range of details."""
    compiled = compile_pattern(pattern)
    assert [code for code in fits if not compiled.fullmatch(code)] == []
    assert [code for code in misses if compiled.fullmatch(code)] == []


@pytest.mark.parametrize("pattern", ["", "9.9", "x", "5.1", "5.1.1.1", "5.1.649-606", "y50", "550 ", "5.1.x", "5.1.1-", "6yz", "5.٥.1", "x.x.1"])
def test_what_is_no_code_pattern_is_refused(pattern):
    """A typo in a rule file is a ValueError that shows it, never a pattern that matches nothing or anything."""
    with pytest.raises(ValueError, match="no code pattern") as caught:
        compile_pattern(pattern)
    assert repr(pattern) in str(caught.value)


def test_a_reply_is_found_only_with_the_codes_that_are_known_by_looks():
    """Without a word or a place that speaks for it, only a registered code is believed."""
    assert codes.Reply("550", None, 14) == find("some text and 550 Mailbox gone")
    assert codes.Reply(None, None) == find("some text and 559 Mailbox gone")
