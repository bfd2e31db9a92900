import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from pathlib import Path

import mailservers
import pytest
from mailservers import Mail

import bounces
from bounces.analyze import analyze
from bounces.model import Raw


@dataclass(frozen=True)
class Told:
    """What an event is to say, in the names of its fields."""

    kind: str
    action: str
    recipient: str
    final_recipient: str
    reply_code: str | None
    status: str
    reason: str | None = None
    permanence: str | None = None
    command: str | None = None

    @classmethod
    def of(cls, event):
        """Return what an event says."""
        return cls(*(value and str(value) for value in (getattr(event, column.name) for column in fields(cls))))


@dataclass(frozen=True)
class Case:
    """A mail, and what each server's notices about it are to tell; Exim's tell the same as Postfix's where nothing else is said."""

    mail: Mail
    postfix: tuple[Told, ...] = ()
    exim: tuple[Told, ...] | None = None

    def told(self, server):
        """Return what is to be told, the addresses in full."""
        expected = self.exim if server == "exim" and self.exim is not None else self.postfix
        full = self.mail.address
        return [replace(one, recipient=full(one.recipient), final_recipient=full(one.final_recipient)) for one in expected]


def failed(recipient, *said, permanence="permanent", command="RCPT", final=None):
    """Write the one event of a failure; `said` is reply code, status and reason."""
    return (Told("failure", "failed", recipient, final or recipient, *said, permanence, command),)


def delayed(recipient, *said, command="RCPT"):
    """Write the one event of a warning."""
    return (Told("delay", "delayed", recipient, recipient, *said, "transient", command),)


def given_up(recipient, *said, command="RCPT"):
    """Write a warning and, when the server has tried long enough, a failure."""
    return delayed(recipient, *said, command=command) + failed(recipient, *said, permanence="transient", command=command)


def delivery(action, recipient, reply_code=None):
    """Write the one event of a delivery."""
    return (Told("delivery", action, recipient, recipient, reply_code, "2.0.0"),)


ANSWERED = re.compile(r"^\d{3}[ -](?:\d\.\d\.\d )?")
OK = "250 2.1.5 OK"
UNKNOWN = "550 5.1.1 Recipient address rejected: User unknown"
BUSY = "421 4.3.2 Service not available, closing transmission channel"
BLOCKED = "554 5.7.1 Service unavailable; client host [192.0.2.1] blocked using dnsbl.example"
NO_ACCOUNT = (
    "550-5.1.1 The email account that you tried to reach does not exist.\n550-5.1.1 Please check it for typos\n550 5.1.1 or unnecessary spaces."
)
OVER_QUOTA = "552-5.2.2 The mailbox is over its quota.\n552 5.2.2 Please write again another day"
CLUB, BEN = "anna@club.{host}", "ben@club.{host}"
READER, FULL, NOBODY = "reader@list.example", "full@list.example", "nobody@list.example"
# Exim tells neither that it could not connect, or was hung up on, nor that it could not look a domain up
UNEXPLAINED = delayed("anna", None, "4.0.0", "unknown", command=None) + failed("anna", None, "5.0.0", "delivery_expired", command=None)

TABLE = [
    Case(Mail("user-unknown", {"anna": UNKNOWN}), failed("anna", "550", "5.1.1", "user_unknown")),
    Case(Mail("no-status", {"anna": "550 no such user here"}), failed("anna", "550", "5.0.0", "user_unknown")),
    Case(Mail("mailbox-full-552", {"anna": "552 5.2.2 Mailbox full"}), failed("anna", "552", "5.2.2", "mailbox_full")),
    Case(Mail("mailbox-full-452", {"anna": "452 4.2.2 Mailbox full"}), given_up("anna", "452", "4.2.2", "mailbox_full")),
    Case(Mail("multi-line", {"anna": NO_ACCOUNT}), failed("anna", "550", "5.1.1", "user_unknown")),
    Case(Mail("multi-line-full", {"anna": OVER_QUOTA}), failed("anna", "552", "5.2.2", "mailbox_full")),
    Case(Mail("french", {"anna": "550 5.1.1 Boîte inconnue: adresse supprimée"}), failed("anna", "550", "5.1.1", "user_unknown")),
    Case(Mail("russian-no-status", {"anna": "550 Пользователь не найден"}), failed("anna", "550", "5.0.0", "user_unknown")),
    Case(Mail("greylisted", {"anna": "451 4.7.1 Greylisted, please try again in 300 seconds"}), given_up("anna", "451", "4.7.1", "greylisted")),
    Case(
        Mail("too-many-connections", {"anna": "421 4.7.0 Too many connections from your address, try again later"}),
        given_up("anna", "421", "4.7.0", "rate_limited"),
    ),
    Case(
        Mail("busy", {"anna": OK}, greeting=BUSY),
        given_up("anna", "421", "4.3.2", "server_error", command=None),  # Postfix does not say what it was in reply to
        given_up("anna", "421", "4.3.2", "server_error", command="CONNECT"),
    ),
    Case(
        Mail("blocked", {"anna": OK}, greeting=BLOCKED),
        # Postfix tries another server, or the same again
        delayed("anna", "554", "5.7.1", "ip_blocked", command=None) + failed("anna", "554", "5.7.1", "ip_blocked", command=None),
        failed("anna", "554", "5.7.1", "ip_blocked", command="CONNECT"),
    ),
    Case(
        Mail("sender-rejected", {"anna": OK}, mail="553 5.1.8 Sender address rejected: Domain not found"),
        failed("anna", "553", "5.1.8", "bad_sender_address", command="MAIL"),
    ),
    Case(
        Mail("spam", {"anna": OK}, data="554 5.7.1 Message rejected as spam"),
        failed("anna", "554", "5.7.1", "spam_rejected", command="DATA"),
    ),
    Case(
        Mail("size", {"anna": OK}, size_limit=100),
        failed("anna", None, "5.3.4", "message_too_large", command=None),  # Postfix does not even try
        failed("anna", "552", "5.0.0", "message_too_large", command="MAIL"),
    ),
    Case(
        Mail("mixed", {"anna": OK, "ben": UNKNOWN, "carl": "552 5.2.2 Mailbox full", "dora": "452 4.2.2 Mailbox full"}),
        failed("ben", "550", "5.1.1", "user_unknown")
        + failed("carl", "552", "5.2.2", "mailbox_full")
        + given_up("dora", "452", "4.2.2", "mailbox_full"),
    ),
    Case(Mail("refused", {"anna": OK}, server="refused"), given_up("anna", None, "4.4.1", "network_error", command=None), UNEXPLAINED),
    Case(Mail("hung-up", {"anna": OK}, greeting=""), given_up("anna", None, "4.4.2", "network_error", command=None), UNEXPLAINED),
    Case(Mail("dns-failure", {"anna": OK}, server="SERVFAIL"), given_up("anna", None, "4.4.3", "dns_failure", command=None), UNEXPLAINED),
    Case(
        Mail("no-domain", {"anna": OK}, server="NXDOMAIN"),
        failed("anna", None, "5.4.4", "domain_not_found", command=None),
        failed("anna", None, "5.0.0", "domain_not_found", command=None),
    ),
    Case(
        Mail("null-mx", {"anna": OK}, server="none"),
        failed("anna", None, "5.1.0", "domain_no_mail", command=None),
        failed("anna", None, "5.0.0", "domain_no_mail", command=None),
    ),
    Case(Mail("loop", {"anna": OK}, server="itself", by=["postfix"]), failed("anna", None, "5.4.6", "mail_loop", command=None)),
    Case(
        Mail("full-here", {FULL: OK}, by=["exim"]),
        exim=delayed(FULL, None, "4.0.0", "mailbox_full", command=None) + failed(FULL, None, "5.0.0", "mailbox_full", command=None),
    ),
    Case(
        Mail("unknown-here", {NOBODY: OK}),
        failed(NOBODY, None, "5.1.1", "user_unknown", command=None),
        failed(NOBODY, None, "5.0.0", "user_unknown", command=None),
    ),
    Case(
        Mail("forwarded", {CLUB: UNKNOWN}),
        failed(CLUB, "550", "5.1.1", "user_unknown", final="anna@inner.{host}"),
        failed(CLUB, "550", "5.1.1", "user_unknown"),
    ),
    Case(
        Mail("two-forwarded", {CLUB: UNKNOWN, BEN: "552 5.2.2 Mailbox full"}),
        failed(CLUB, "550", "5.1.1", "user_unknown", final="anna@inner.{host}")
        + failed(BEN, "552", "5.2.2", "mailbox_full", final="ben@inner.{host}"),
        failed(CLUB, "550", "5.1.1", "user_unknown") + failed(BEN, "552", "5.2.2", "mailbox_full"),
    ),
    Case(Mail("blind-copy", {"anna": UNKNOWN}, to="otto@elsewhere.example"), failed("anna", "550", "5.1.1", "user_unknown")),
    Case(Mail("undisclosed", {"anna": UNKNOWN}, to="undisclosed-recipients:;"), failed("anna", "550", "5.1.1", "user_unknown")),
    Case(
        Mail("verp", {CLUB: UNKNOWN}, sender="{news}+anna=club.{host}@list.example", to="readers@list.example"),
        failed(CLUB, "550", "5.1.1", "user_unknown", final="anna@inner.{host}"),
        failed(CLUB, "550", "5.1.1", "user_unknown"),
    ),
    Case(
        Mail("xverp", {CLUB: UNKNOWN}, mail_options=["XVERP"], to="readers@list.example", by=["postfix"]),
        failed(CLUB, "550", "5.1.1", "user_unknown", final="anna@inner.{host}"),
    ),
    Case(
        Mail("orcpt", {"anna": UNKNOWN}, rcpt_options=["ORCPT=rfc822;before@elsewhere.example"]),
        failed("before@elsewhere.example", "550", "5.1.1", "user_unknown", final="anna"),
        failed("anna", "550", "5.1.1", "user_unknown"),  # Exim does not tell it
    ),
    Case(
        Mail("smtputf8", {"grüße": "550 5.1.1 Empfänger grüße gibt es nicht"}, smtputf8=True, mail_options=["SMTPUTF8"]),
        failed("grüße", "550", "5.1.1", "user_unknown"),
    ),
    Case(
        Mail("smtputf8-not-offered", {"grüße": OK}, mail_options=["SMTPUTF8"]),
        failed("grüße", None, "5.6.7", "protocol_error", command=None),
        failed("grüße", "550", "5.1.1", "user_unknown"),  # Exim tries an ASCII form of the local part
    ),
    Case(Mail("relayed", {"anna": OK}, rcpt_options=["NOTIFY=SUCCESS"]), delivery("relayed", "anna", "250"), delivery("delivered", "anna", "250")),
    Case(Mail("delivered", {READER: OK}, rcpt_options=["NOTIFY=SUCCESS"]), delivery("delivered", READER)),
    Case(Mail("expanded", {CLUB: OK}, rcpt_options=["NOTIFY=SUCCESS"]), delivery("expanded", CLUB), delivery("delivered", CLUB)),
    Case(Mail("accepted", {"anna": OK})),
    Case(Mail("never", {"anna": UNKNOWN}, rcpt_options=["NOTIFY=NEVER"])),
    Case(Mail("null-sender", {"anna": UNKNOWN}, sender="")),
]
CASES = {case.mail.name: replace(case, mail=replace(case.mail, number=number)) for number, case in enumerate(TABLE, 1)}
SENT = [(server, name) for name, case in CASES.items() for server in case.mail.by]
TELLING = [(server, name) for server, name in SENT if CASES[name].told(server)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder of a run."""
    if why := mailservers.unavailable():
        pytest.skip(why)
    return tmp_path_factory.mktemp("mailservers")


@pytest.fixture(scope="module")
def notices(folder):
    """Send the mails of all cases, and return the notices by server and case."""
    return mailservers.send(folder, [case.mail for case in CASES.values()])


@pytest.fixture
def events(notices):
    """Return what reads the notices about one mail."""
    return lambda server, name: [event for data in notices[server, name] for event in analyze(Raw("-", data))]


@pytest.mark.parametrize(("server", "name"), SENT)
def test_a_real_notice_tells_what_was_answered(server, name, events):
    """Whatever was answered about which recipient, that is read from what Postfix and Exim write of it, and nothing more."""
    assert ordered(CASES[name].told(server)) == ordered(Told.of(event) for event in events(server, name))


def ordered(told):
    """Put in order what may arrive in any."""
    return sorted(told, key=lambda one: (one.recipient or "", one.kind))


@pytest.mark.parametrize(("server", "name"), TELLING)
def test_the_answer_is_kept_in_its_own_words(server, name, events):
    """The diagnostic code has each line of the answer in whatever language, and none of the words around it."""
    for event in events(server, name):
        answers = [answer for answer in CASES[name].mail.answers() if event.reply_code and answer.startswith(event.reply_code)]
        words = {ANSWERED.sub("", line) for answer in answers if event.kind != "delivery" for line in answer.split("\n")}
        assert {word for word in words if word not in event.diagnostic_code} == set()
        assert "delivery attempts" not in (event.diagnostic_code or "").lower()


@pytest.mark.parametrize(("server", "name"), TELLING)
def test_a_notice_tells_which_mail_it_is_about(server, name, events):
    """Who wrote the notice, who answered, and what was returned are read from it."""
    mail = CASES[name].mail
    for event in events(server, name):
        assert event.remote_mta == f"mx.{mail.host}" or not (event.remote_mta or event.reply_code)
        assert (event.reporting_mta, event.format) == (f"{server}.list.example", "dsn")
        assert (event.subject, event.message_id) == (name, f"<{mail.number}@list.example>")
        assert event.sender == mail.sender.format(news=mail.news, host=mail.host)


@pytest.mark.parametrize(("server", "source"), [("postfix", "original_recipient"), ("exim", "return_path")])
def test_a_variable_return_path_names_the_subscriber(server, source, events):
    """Exim has no Original-Recipient field: there the envelope sender says who was written to."""
    assert [event.recipient_source for event in events(server, "verp")] == [source]


def test_a_warning_of_postfix_tells_until_when_it_tries(events):
    """Will-Retry-Until is when the mail will be given up."""
    (warning,) = (event for event in events("postfix", "mailbox-full-452") if event.kind == "delay")
    assert timedelta() < warning.retry_after - warning.received_at <= timedelta(seconds=6)


@pytest.mark.usefixtures("notices")
@pytest.mark.parametrize("server", mailservers.SERVERS)
def test_a_servers_mailboxes_add_up(server, folder):
    """Read as one source, the Maildirs that a server wrote hold each event once, beside the one mail that reached a reader."""
    told = Counter(one.kind for name, case in CASES.items() if (server, name) in SENT for one in case.told(server))
    assert Counter(event.kind for event in bounces.events(folder / "mail" / server)) == told + Counter(unrecognized=1)


@pytest.mark.usefixtures("notices")
def test_nothing_is_left_running(folder):
    """No process of the run outlives it."""
    namespaces = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            namespaces.add((process / "ns" / "pid").readlink())
    assert namespaces
    assert (folder / "namespace").readlink() not in namespaces
