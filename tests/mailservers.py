"""Mails in, the notices about them out: Debian's Postfix and Exim send them, in a world of their own, to servers that answer as told.

`send` starts this file as a program in namespaces of its own: its network is loopback and nothing else, the servers' files, users and
configuration lie over /usr and /etc where nobody else sees them, and whatever still runs ends with it.
"""

import asyncio
import json
import os
import shutil
import smtplib
import socket
import struct
import subprocess
import sys
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from aiosmtpd.smtp import SMTP

UNPACKED = Path("/var/cache/bounces/mailservers")  # Debian's packages, unpacked by .ci/run
WORLD = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
HERE = Path("/mnt")  # the folder of a run, as its world sees it: short, and open to the servers' users
SERVERS = {"postfix": "127.0.0.1", "exim": "127.0.0.2"}
DEADLINE = 45  # seconds until both queues have to be empty
QUEUES = [HERE / "postfix" / "queue" / name for name in ("maildrop", "incoming", "active", "deferred")] + [HERE / "exim" / "input"]

USERS = "postfix:x:5001:5001::/:/bin/false\nDebian-exim:x:5002:5002::/:/bin/false\n"
GROUPS = "postfix:x:5001:\nDebian-exim:x:5002:\npostdrop:x:5003:\n"

# both servers try each second, warn after one, and give up after six; club.DOMAIN is an alias for inner.DOMAIN
MAIN_CF = r"""
compatibility_level = 3.6
myhostname = postfix.list.example
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
queue_directory = /mnt/postfix/queue
data_directory = /mnt/postfix/data
maillog_file_prefixes = /mnt
maillog_file = /mnt/postfix/log
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
transport_retry_time = 1s
delay_warning_time = 1s
maximal_queue_lifetime = 6s
bounce_queue_lifetime = 6s
recipient_delimiter = +
smtpd_reject_unlisted_recipient = no
smtpd_authorized_verp_clients = $mynetworks
virtual_alias_domains = regexp:{ {/^club\./ here} }
virtual_alias_maps = regexp:{ {/^(.*)@club\.(.*)/ $$1@inner.$$2} }
virtual_mailbox_domains = list.example
virtual_mailbox_base = /mnt/mail/postfix
virtual_mailbox_maps = texthash:/etc/postfix/mailboxes
virtual_minimum_uid = 8
virtual_uid_maps = static:8
virtual_gid_maps = static:8
"""
MASTER_CF = """
smtp inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
EXIM_CONF = r"""
primary_hostname = exim.list.example
local_interfaces = 127.0.0.2
daemon_smtp_ports = 25
spool_directory = /mnt/exim
log_file_path = /mnt/exim/log/%slog
pid_file_path = /mnt/exim/pid
keep_environment =
tls_advertise_hosts =
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
acl_smtp_rcpt = everybody
delay_warning = 1s:1h
ignore_bounce_errors_after = 0s
queue_run_max = 20
begin acl
everybody:
  accept
begin routers
forward:
  driver = redirect
  domains = ^club\\.
  data = $local_part@${sg{$domain}{\N^club\N}{inner}}
remote:
  driver = dnslookup
  domains = ! list.example
  transport = remote
  no_more
mailbox:
  driver = accept
  local_parts = dsearch;/mnt/mail/exim
  local_part_suffix = +*
  local_part_suffix_optional
  cannot_route_message = Unknown user
  transport = maildir
begin transports
maildir:
  driver = appendfile
  maildir_format
  directory = /mnt/mail/exim/$local_part_data
  user = mail
  quota = ${if eq{$local_part_data}{full}{1}{0}}
  return_path_add
  envelope_to_add
  delivery_date_add
remote:
  driver = smtp
begin retry
* * F,6s,1s
"""


@dataclass(frozen=True)
class Mail:
    """A mail to send, and what the server of its domain answers.

    A recipient is a local part at the mail's own domain, or an address in which `{host}` stands for that domain; its value is the answer to
    RCPT TO. `server` says what becomes of the domain where it has no server that answers: "refused" (nothing listens there), "itself" (the
    server that sends is to be the one), "none" (a null MX), "NXDOMAIN" or "SERVFAIL".
    """

    name: str
    recipients: dict[str, str]
    greeting: str | None = None  # what is said instead, before the server hangs up
    mail: str = "250 OK"
    data: str = "250 OK"
    server: str = ""
    size_limit: int | None = None
    smtputf8: bool = False
    sender: str = "{news}@list.example"
    to: str = ""  # the To field, where it isn't the recipients
    mail_options: list[str] = field(default_factory=list)
    rcpt_options: list[str] = field(default_factory=list)
    by: list[str] = field(default_factory=lambda: list(SERVERS))
    number: int = 0

    @property
    def host(self):
        """Return the domain that is the mail's own."""
        return f"host{self.number:02}.example"

    @property
    def news(self):
        """Return the local part of the sender's mailbox at list.example, where the notices arrive."""
        return f"news{self.number:02}"

    @property
    def ip(self):
        """Return the address of the server that answers."""
        return f"127.0.1.{self.number}"

    def address(self, recipient):
        """Write a recipient in full."""
        return (recipient if "@" in recipient else recipient + "@{host}").format(host=self.host)

    def answers(self):
        """Return whatever may be answered to it."""
        return [self.greeting or "", self.mail, *self.recipients.values(), self.data]

    def content(self):
        """Write the mail."""
        to = self.to or ", ".join(self.address(one) for one in self.recipients)
        lines = [f"From: News <{self.news}@list.example>", f"To: {to}", f"Subject: {self.name}", f"Message-ID: <{self.number}@list.example>"]
        return "\r\n".join([*lines, "Date: Thu, 5 Mar 2026 08:00:00 +0000", "", "Hello", ""]).encode()


def unavailable():
    """Say why the servers can't run here, or return None."""
    if not all((UNPACKED / one).exists() for one in ("usr/sbin/exim4", "usr/lib/postfix/sbin/master")) or os.geteuid() != 0:
        return f"it takes root, and Debian's Postfix and Exim in {UNPACKED}, where .ci/run unpacks them"
    done = subprocess.run([*WORLD, "true"], check=False, capture_output=True, text=True)
    return f"it takes Linux namespaces: {done.stderr.strip()}" if done.returncode else None


def send(folder, mails):
    """Send the mails, and return the messages in the senders' mailboxes by server and name; the mailboxes stay in `folder`/mail."""
    (folder / "mails.json").write_text(json.dumps([asdict(mail) for mail in mails]), encoding="utf-8")
    subprocess.run([*WORLD, sys.executable, __file__, str(folder)], check=True, stdin=subprocess.DEVNULL, timeout=2 * DEADLINE)
    return {
        (server, mail.name): [path.read_bytes() for path in (folder / "mail" / server / mail.news).glob("new/*")]
        for mail in mails
        for server in mail.by
    }


async def world(folder):
    """Send the mails of a folder, and leave the notices in it: what runs in the namespaces."""
    mails = [Mail(**mail) for mail in json.loads((folder / "mails.json").read_text(encoding="utf-8"))]
    raise_loopback()
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: Names(mails), ("127.0.0.1", 53))
    for mail in mails:
        if not mail.server:
            await listen(mail)
    try:
        furnish(folder, ["reader", "full", *(mail.news for mail in mails)])
        async with running("/usr/lib/postfix/sbin/master"), running("/usr/sbin/exim4", "-bdf", "-q1s"):
            await asyncio.gather(*(asyncio.to_thread(hand_over, server, mails) for server in SERVERS))
            await asyncio.to_thread(until, idle, "the queues do not become empty")
    except Exception:
        for log in (folder / "postfix" / "log", *folder.glob("exim/log/*")):
            sys.stderr.write(f"{log}:\n{log.read_text(encoding='utf-8', errors='replace')[-5000:] if log.exists() else 'missing'}\n")
        raise


def furnish(folder, boxes):
    """Make what a run needs in its folder, and mount it, the servers and their configuration where they belong."""
    os.umask(0o022)
    etc = folder / "etc"
    files = {
        "passwd": Path("/etc/passwd").read_text(encoding="utf-8") + USERS,
        "group": Path("/etc/group").read_text(encoding="utf-8") + GROUPS,
        "resolv.conf": "nameserver 127.0.0.1\n",
        "postfix/main.cf": MAIN_CF,
        "postfix/master.cf": MASTER_CF,
        "postfix/mailboxes": "".join(f"{box}@list.example {box}/\n" for box in boxes),
        "exim4/exim4.conf": EXIM_CONF,
    }
    (folder / "namespace").symlink_to(Path("/proc/self/ns/pid").readlink())
    for name, text in files.items():
        (etc / name).parent.mkdir(parents=True, exist_ok=True)
        (etc / name).write_text(text, encoding="utf-8")
    owned = {"postfix/queue": "root", "postfix/data": "postfix", "exim": "Debian-exim", "exim/log": "Debian-exim"}
    owned |= {f"mail/{server}/{box}": "mail" for server in SERVERS for box in boxes}
    for name in owned:
        (folder / name).mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    mount("--bind", folder, HERE)
    mount("-t", "overlay", "-o", f"ro,lowerdir=/usr:{UNPACKED}/usr", "overlay", "/usr")
    mount("-t", "overlay", "-o", f"ro,lowerdir={etc}:/etc:{UNPACKED}/etc", "overlay", "/etc")
    if Path("/dev/log").exists():
        mount("--bind", "/dev/null", "/dev/log")  # the machine's log is none of ours
    for name, user in owned.items():
        shutil.chown(folder / name, user)
    subprocess.run(["postfix", "check"], check=True)  # makes the folders of the queue


def mount(*words):
    """Mount something where only this world sees it."""
    subprocess.run(["mount", *words], check=True)


def raise_loopback():
    """Bring the loopback interface up: in a new network it is down."""
    import fcntl  # where there is none, the tests still skip

    set_flags, up = 0x8914, 1  # SIOCSIFFLAGS, IFF_UP
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", up))


class Answers:
    """The server of a mail's domain: aiosmtpd's handler."""

    def __init__(self, mail):
        self.mail = mail
        self.rcpt = {recipient.partition("@")[0]: answer for recipient, answer in mail.recipients.items()}

    def protocol(self):
        """Make what serves one connection."""
        return SMTP(self, hostname=f"mx.{self.mail.host}", data_size_limit=self.mail.size_limit, enable_SMTPUTF8=self.mail.smtputf8)

    async def handle_MAIL(self, _server, _session, envelope, sender, _options):  # noqa: N802  (aiosmtpd's name)
        """Answer MAIL FROM."""
        envelope.mail_from = sender
        return wire(self.mail.mail)

    async def handle_RCPT(self, _server, _session, envelope, recipient, _options):  # noqa: N802  (aiosmtpd's name)
        """Answer RCPT TO, for an alias the same as for what it stands for."""
        answer = self.rcpt.get(recipient.partition("@")[0], "550 5.1.1 User unknown")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(recipient)
        return wire(answer)

    async def handle_DATA(self, _server, _session, _envelope):  # noqa: N802  (aiosmtpd's name)
        """Answer the end of the content."""
        return wire(self.mail.data)


def wire(reply):
    """Write a reply as it goes over the wire, but for its last line's end."""
    return reply.replace("\n", "\r\n").encode()


async def listen(mail):
    """Start the server of a mail's domain."""

    async def greet(_reader, writer):
        writer.write(wire(mail.greeting and f"{mail.greeting}\n"))
        writer.close()

    if mail.greeting is not None:
        await asyncio.start_server(greet, mail.ip, 25)
    else:
        await asyncio.get_running_loop().create_server(Answers(mail).protocol, mail.ip, 25)


class Names(asyncio.DatagramProtocol):
    """The name server: each mail's domain has an MX, unless the mail says otherwise, and no other name exists."""

    def __init__(self, mails):
        self.mails = {mail.host: mail for mail in mails}

    def connection_made(self, transport):
        """Keep what sends the answers."""
        self.transport = transport

    def datagram_received(self, data, source):
        """Answer a question."""
        response = dns.message.make_response(dns.message.from_wire(data))
        response.flags |= dns.flags.RA
        self.fill(response, response.question[0])
        self.transport.sendto(response.to_wire(), source)

    def fill(self, response, question):
        """Put the answer into a response: an MX, an address, nothing, or an error."""
        name = question.name.to_text(omit_final_dot=True).lower()
        mail = next((mail for host, mail in self.mails.items() if name == host or name.endswith(f".{host}")), None)
        exchanger = name.startswith("mx.")
        if mail is None or mail.server in {"NXDOMAIN", "SERVFAIL"}:
            response.set_rcode(dns.rcode.from_text(mail.server if mail else "NXDOMAIN"))
        elif question.rdtype == dns.rdatatype.MX and not exchanger:
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", "MX", "0 ." if mail.server == "none" else f"0 mx.{mail.host}."))
        elif question.rdtype == dns.rdatatype.A and exchanger:
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", "127.0.0.1" if mail.server == "itself" else mail.ip))


@asynccontextmanager
async def running(*command):
    """Run a server, and end it."""
    process = await asyncio.create_subprocess_exec(*command)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def hand_over(server, mails):
    """Hand a server its mails."""
    with until(lambda: smtplib.SMTP(SERVERS[server], 25, timeout=10), f"{server} does not listen") as smtp:
        smtp.ehlo("client.list.example")
        for mail in mails:
            if server in mail.by:
                done = [smtp.mail(mail.sender.format(news=mail.news, host=mail.host), mail.mail_options)]
                done += [smtp.rcpt(mail.address(one), mail.rcpt_options) for one in mail.recipients]
                done += [smtp.data(mail.content())]
                if any(code != 250 for code, _ in done):
                    raise RuntimeError(f"{server} does not take {mail.name}: {done}")


def until(attempt, complaint):
    """Try until there is a result, and return it."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        with suppress(OSError):  # it does not listen yet, or a mail was moved while one looked
            if result := attempt():
                return result
        time.sleep(0.1)
    raise TimeoutError(complaint)


def idle():
    """Say whether both queues are empty, and stay so: a mail may be on its way from one folder to another."""
    for _ in range(3):
        if any(path.is_file() for queue in QUEUES for path in queue.rglob("*")):
            return False
        time.sleep(0.1)
    return True


if __name__ == "__main__":
    asyncio.run(world(Path(sys.argv[1])))
