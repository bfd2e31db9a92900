"""The layouts that the generator fills in: by software the message, and the words of servers. `{name}` is a field of the notice."""

# ruff: noqa: E501  (mail has long lines)

ENVELOPE = """Return-Path: <>
Delivered-To: {path}
Received: from {host} ({host} [{ip}])
	by mx.example.org (Postfix) with ESMTPS id {queue}
	for <{path}>; {date}
"""

POSTFIX = """Return-Path: <>
Delivered-To: {path}
Received: by mail.example.org (Postfix)
	id {queue}; {date} (CET)
Date: {date} (CET)
From: MAILER-DAEMON@mail.example.org (Mail Delivery System)
Subject: {subject}
To: {path}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="{queue}.{seconds}/mail.example.org"
Message-Id: <{stamp}.{queue}@mail.example.org>

This is a MIME-encapsulated message.

--{queue}.{seconds}/mail.example.org
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mail.example.org.

{introduction}

For further assistance, please send mail to postmaster.

If you do so, please include this problem report. You can
delete your own text from the attached returned message.

                   The mail system

{paragraphs}
--{queue}.{seconds}/mail.example.org
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.org
X-Postfix-Queue-ID: {returned_queue}
X-Postfix-Sender: rfc822; {path}
Arrival-Date: {date} (CET)

{groups}
--{queue}.{seconds}/mail.example.org
Content-Description: Undelivered Message
Content-Type: message/rfc822

{original}
--{queue}.{seconds}/mail.example.org--
"""
POSTFIX_FAILED = """I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below."""
POSTFIX_DELAYED = """####################################################################
# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #
####################################################################

Your message could not be delivered for more than {hours} hour(s).
It will be retried until it is 5 day(s) old."""

EXIM = (
    ENVELOPE
    + """X-Failed-Recipients: {recipient}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@{host}>
To: {path}
References: <{original_id}>
Content-Type: multipart/report; report-type=delivery-status; boundary={seconds}-eximdsn-{number}
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender
Message-Id: <E{queue}@{host}>
Date: {date}

--{seconds}-eximdsn-{number}
Content-type: text/plain; charset=us-ascii

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {recipient}
    host {server} [{server_ip}]
    SMTP error from remote mail server after RCPT TO:<{recipient}>:
    {reply}

--{seconds}-eximdsn-{number}
Content-type: message/delivery-status

Reporting-MTA: dns; {host}

Action: failed
Final-Recipient: rfc822;{recipient}
Status: 5.0.0
Remote-MTA: dns; {server}
Diagnostic-Code: smtp; {reply}

--{seconds}-eximdsn-{number}
Content-type: message/rfc822

{original}
--{seconds}-eximdsn-{number}--
"""
)

EXIM_PLAIN = (
    ENVELOPE
    + """X-Failed-Recipients: {recipient}
From: Mail Delivery System <Mailer-Daemon@{host}>
To: {path}
Subject: Mail delivery failed: returning message to sender
Message-Id: <E{queue}@{host}>
Date: {date}

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {recipient}
    SMTP error from remote mail server after RCPT TO:<{recipient}>:
    host {server} [{server_ip}]: {reply}

------ This is a copy of the message, including all the headers. ------

{original}
"""
)

SENDMAIL = (
    ENVELOPE
    + """Date: {date}
From: Mail Delivery Subsystem <MAILER-DAEMON@{host}>
Message-Id: <{stamp}.{queue}@{host}>
To: <{path}>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="{queue}.{seconds}/{host}"
Subject: {subject}
Auto-Submitted: {automatic}

This is a MIME-encapsulated message

--{queue}.{seconds}/{host}

The original message was received at {date}
from crm.example.org [192.0.2.5]

{transcript}

--{queue}.{seconds}/{host}
Content-Type: message/delivery-status

Reporting-MTA: dns; {host}
Received-From-MTA: DNS; crm.example.org
Arrival-Date: {date}

Final-Recipient: RFC822; {recipient}
Action: {action}
Status: {status}
Remote-MTA: DNS; {server}
Diagnostic-Code: SMTP; {reply}
Last-Attempt-Date: {date}

--{queue}.{seconds}/{host}
Content-Type: {returned_type}

{original}
--{queue}.{seconds}/{host}--
"""
)
SENDMAIL_FAILED = """   ----- The following addresses had permanent fatal errors -----
<{recipient}>
    (reason: {reply})

   ----- Transcript of session follows -----
... while talking to {server}.:
>>> RCPT To:<{recipient}>
<<< {reply}"""
SENDMAIL_DELAYED = """    **********************************************
    **      THIS IS A WARNING MESSAGE ONLY      **
    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **
    **********************************************

   ----- The following addresses had transient non-fatal errors -----
<{recipient}>

   ----- Transcript of session follows -----
<{recipient}>... Deferred: Connection timed out with {server}.
Warning: message still undelivered after {hours} hours
Will keep trying until message is 5 days old"""

EXCHANGE = (
    ENVELOPE
    + """From: {postmaster}
To: <{path}>
Date: {date}
Content-Type: multipart/report; report-type=delivery-status;
	boundary="{uuid}"
X-MS-Exchange-Message-Is-Ndr:
Content-Language: {language}
Message-ID: <{uuid}@{host}>
In-Reply-To: <{original_id}>
References: <{original_id}>
Subject: {subject}
Auto-Submitted: auto-replied
MIME-Version: 1.0

--{uuid}
Content-Type: multipart/alternative; differences=Content-Type;
	boundary="_000_{uuid}_"

--_000_{uuid}_
Content-Type: text/plain; charset="{charset}"
Content-Transfer-Encoding: {encoding}

{text}

--_000_{uuid}_
Content-Type: text/html; charset="{charset}"
Content-Transfer-Encoding: {encoding}

{html}

--_000_{uuid}_--

--{uuid}
Content-Type: message/delivery-status

Reporting-MTA: dns;{host}
Received-From-MTA: dns;mail.example.org
Arrival-Date: {date}

Final-recipient: RFC822; {recipient}
Action: failed
Status: {status}
Diagnostic-code: smtp;{reply}
X-Display-Name: {name}

--{uuid}
Content-Type: message/rfc822

{original}
--{uuid}--
"""
)
EXCHANGE_TEXT = """{heading}

{recipient}<mailto:{recipient}>
{explanation}




Diagnostic information for administrators:

Generating server: {host}

{recipient}
Remote Server returned '{reply}'

Original message headers:

{original_header}"""
EXCHANGE_PAGE = """<html>
<head>
<meta http-equiv="Content-Type" content="text/html; charset={charset}">
</head><body>
<p><b><font color="#000066" size="3" face="Arial">{heading}</font></b></p>
<p><font size="2" face="Tahoma"><a href="mailto:{recipient}">{recipient}</a><br>
{explanation}<br></font></p>
<p><font color="#808080" size="2" face="Tahoma"><b>Diagnostic information for administrators:</b></font></p>
<p><font color="#808080" size="2" face="Tahoma">Generating server: {host}</font></p>
<p><font color="#808080" size="2" face="Tahoma">{recipient}<br>
Remote Server returned '{reply}'</font></p>
</body>
</html>"""
# language, charset, encoding, subject, postmaster's name, heading, explanation
EXCHANGE_LANGUAGES = (
    ("en-US", "us-ascii", "Undeliverable", "Postmaster", "Delivery has failed to these recipients or groups:",
     "The email address you entered couldn't be found. Please check the recipient's email address and try to resend the message."),
    ("en-US", "us-ascii", "Undeliverable", "Postmaster", "Delivery has failed to these recipients or groups:",
     "The recipient's mailbox is full and can't accept messages now. Please try resending this message later."),
    ("de-DE", "iso-8859-1", "Unzustellbar", "Postmaster für", "Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Gruppen:",
     "Das Postfach des Empfängers ist voll und kann zurzeit keine Nachrichten annehmen. Versuchen Sie es später erneut."),
    ("fr-FR", "iso-8859-1", "Non remis", "Administrateur de", "Échec de la remise pour ces destinataires ou groupes :",
     "L'adresse de messagerie que vous avez entrée est introuvable. Vérifiez l'adresse du destinataire, puis renvoyez le message."),
    ("ja-JP", "utf-8", "配信不能", "管理者", "次の受信者またはグループへの配信に失敗しました:", "入力された電子メール アドレスは見つかりませんでした。"),
    ("ru-RU", "koi8-r", "Не удается доставить", "Администратор", "Не удалось доставить сообщение следующим получателям или группам:",
     "Введенный адрес электронной почты не найден. Проверьте адрес получателя и отправьте сообщение еще раз."),
)  # fmt: skip

GMAIL = (
    ENVELOPE
    + """From: Mail Delivery Subsystem <mailer-daemon@{host}>
To: {path}
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
References: <{original_id}>
In-Reply-To: <{original_id}>
X-Failed-Recipients: {recipient}
Message-ID: <{uuid}.GMR@{host}>
Date: {date}
Content-Type: multipart/report; boundary="000000{queue}1"; report-type=delivery-status
MIME-Version: 1.0

--000000{queue}1
Content-Type: multipart/related; boundary="000000{queue}2"

--000000{queue}2
Content-Type: multipart/alternative; boundary="000000{queue}3"

--000000{queue}3
Content-Type: text/plain; charset="UTF-8"
Content-Transfer-Encoding: base64

{text}
--000000{queue}3
Content-Type: text/html; charset="UTF-8"
Content-Transfer-Encoding: quoted-printable

{html}
--000000{queue}3--
--000000{queue}2
Content-Type: image/png; name="icon.png"
Content-Disposition: attachment; filename="icon.png"
Content-Transfer-Encoding: base64
Content-ID: <icon.png>

iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGO4CQAA2wDaZNW9eAAA
AABJRU5ErkJggg==
--000000{queue}2--
--000000{queue}1
Content-Type: message/delivery-status

Reporting-MTA: dns; {host}
Received-From-MTA: dns; {path}
Arrival-Date: {date}
X-Original-Message-ID: <{original_id}>

Final-Recipient: rfc822; {recipient}
Action: failed
Status: {status}
Remote-MTA: dns; {server}. ({server_ip}, the server for the domain.)
Diagnostic-Code: smtp; {reply}
Last-Attempt-Date: {date}

--000000{queue}1
Content-Type: message/rfc822

{original}
--000000{queue}1--
"""
)
GMAIL_TEXT = """
** Address not found **

Your message wasn't delivered to {recipient} because the address couldn't be found, or is unable to receive mail.

Learn more here: https://support.example.com/mail/?p=NoSuchUser

The response was:

{reply}
"""
GMAIL_PAGE = """<html>
<head><style>* {{ font-family:Roboto, "Helvetica Neue", Helvetica, Arial, sans-serif; }}</style></head>
<body>
<table cellpadding="0" cellspacing="0" class="email-wrapper" style="padding-top:32px;background-color:#ffffff;"><tbody>
<tr><td>
<h2 style="color:#222222;font-size:24px;">Address not found</h2>
<p>Your message wasn't delivered to <a style="color:#212121;text-decoration:none"><b>{recipient}</b></a>
because the address couldn't be found, or is unable to receive mail.</p>
<p style="font-size:14px;">The response was:</p>
<p style="font-family:monospace">{reply}</p>
</td></tr>
</tbody></table>
</body>
</html>"""

QMAIL = (
    ENVELOPE
    + """Received: (qmail {number} invoked for bounce); {date}
Date: {date}
From: MAILER-DAEMON@{host}
To: {path}
Subject: failure notice

Hi. This is the qmail-send program at {host}.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{recipient}>:
{server_ip} does not like recipient.
Remote host said: {reply}
Giving up on {server_ip}.

--- Below this line is a copy of the message.

{original}
"""
)

POWERMTA = (
    ENVELOPE
    + """Message-ID: <{number}-{seconds}@{host}>
Date: {date}
From: postmaster@{host}
To: {path}
Subject: Delivery report
MIME-Version: 1.0
Content-Type: multipart/report; report-type="delivery-status"; boundary="{number}-report"

--{number}-report
Content-Type: text/plain

Hello, this is the mail server on {host}.

I am sending you this message to inform you on the delivery status of a
message you previously sent.  Immediately below you will find a list of
the affected recipients;  also attached is a Delivery Status Notification
(DSN) report in standard format, as well as the headers of the original
message.

  <{recipient}>  delivery failed; will not continue trying

--{number}-report
Content-Type: message/delivery-status

Reporting-MTA: dns;{host}
Received-From-MTA: dns;crm.example.org (192.0.2.5)
Arrival-Date: {date}

Final-Recipient: rfc822;{recipient}
Action: failed
Status: {status}
Remote-MTA: dns;{server} ({server_ip})
Diagnostic-Code: smtp;{reply}
X-PowerMTA-BounceCategory: bad-mailbox

--{number}-report
Content-Type: text/rfc822-headers

{original_header}
--{number}-report--
"""
)

COMPLAINT = (
    ENVELOPE
    + """From: <feedback@{host}>
Date: {date}
Subject: FW: {original_subject}
To: <{path}>
Message-ID: <{number}@{host}>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report;
     boundary="part1_{number}_boundary"

--part1_{number}_boundary
Content-Type: text/plain; charset="US-ASCII"
Content-Transfer-Encoding: 7bit

A member of ours pressed "this is junk" on the message below, which we
received from IP 192.0.2.10 on {date}.

--part1_{number}_boundary
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: IspFeedback/2.1
Version: 1
Original-Mail-From: <{path}>
Original-Rcpt-To: <{recipient}>
Arrival-Date: {date}
Reporting-MTA: dns; {host}
Source-IP: 192.0.2.10

--part1_{number}_boundary
Content-Type: message/rfc822
Content-Disposition: inline

{original}
--part1_{number}_boundary--
"""
)

AUTO_REPLY = (
    ENVELOPE
    + """Message-ID: <dovecot-sieve-{seconds}-{number}-0@{host}>
Date: {date}
From: {name} <{recipient}>
To: <{path}>
Subject: {subject}
In-Reply-To: <{original_id}>
References: <{original_id}>
Auto-Submitted: auto-replied (vacation)
Precedence: bulk
MIME-Version: 1.0
Content-Type: text/plain; charset={charset}
Content-Transfer-Encoding: {encoding}

{text}
"""
)
# charset, subject, text
AUTO_REPLIES = (
    ("utf-8", "Auto: {original_subject}", "I am away until {day} August and read no mail.\n\nIn urgent cases write to {other}.\n\n{name}"),
    (
        "iso-8859-1",
        "Abwesenheit: {original_subject}",
        "ich bin bis zum {day}. August nicht im Büro.\n\nIn dringenden Fällen: {other}\n\nSchöne Grüße\n{name}",
    ),
    ("iso-2022-jp", "自動返信", "お世話になっております。\n\n8月{day}日まで休暇をいただいております。\n\n※このメールは自動返信です。\n{name}"),
    ("windows-1251", "Автоответ", "Здравствуйте!\n\nЯ в отпуске до {day} августа.\nПо срочным вопросам пишите на {other}.\n\n{name}"),
)

PROSE = (
    ENVELOPE
    + """From: {postmaster} <postmaster@{host}>
To: {path}
Subject: {subject}
Date: {date}
Message-ID: <{number}@{host}>
{mime}
{text}

{announcement}

{original}
"""
)
# charset, declared, postmaster, subject, text, announcement
PROSES = (
    ("iso-8859-1", False, "Service du courrier", "Message non remis",
     "Bonjour,\n\nvotre message n'a pas pu être remis au destinataire suivant :\n\n    {recipient}\n\nRaison : {reply}\n\nCeci est une erreur définitive.",
     "--- En-têtes du message d'origine ---"),
    ("iso-8859-1", True, "Mailserver", "Unzustellbare Nachricht",
     "Ihre Nachricht konnte nicht zugestellt werden.\n\nEmpfänger: <{recipient}>\nGrund: Das Postfach ist voll.\nAntwort: {reply}",
     "----- Kopfzeilen der ursprünglichen Nachricht -----"),
    ("utf-8", True, "Почтовая служба", "Сообщение не доставлено",
     "Ваше сообщение не может быть доставлено следующему получателю:\n\n{recipient}\n\nПричина: {reply}\n",
     "----- Original message headers -----"),
    ("utf-8", True, "Mail system", "Undeliverable mail",
     "Your message could not be delivered.\n\nRecipient: <{recipient}>\nReason: {reply}\n", "----- Original message headers -----"),
)  # fmt: skip

# what servers say: a permanent refusal in answer to RCPT or DATA, with the status that it has where it has one
REPLIES = (
    "550 5.1.1 <{recipient}>: Recipient address rejected: User unknown in virtual mailbox table",
    "550 5.1.1 <{recipient}>: Recipient address rejected: User unknown in relay recipient table",
    "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address for typos {token} - gsmtp",
    "550 5.1.1 RESOLVER.ADR.RecipNotFound; not found",
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {recipient} not found by SMTP address lookup",
    "550 5.4.1 Recipient address rejected: Access denied. [{token}.example.com {stamp}]",
    "550 5.1.1 {recipient} User unknown; rejecting",
    "550 #5.1.0 Address rejected.",
    "550 Requested action not taken: mailbox unavailable",
    "550 No such user here",
    "550 <{recipient}>: No such recipient here",
    "551 5.1.1 not our customer ({token})",
    "550 5.7.1 Unable to relay for {recipient}",
    "550 5.2.1 The email account that you tried to reach is disabled. {token} - gsmtp",
    "554 5.2.1 {recipient} mailbox disabled, not accepting messages (#5.2.1)",
    "552 5.2.2 <{recipient}>: Mailbox full",
    "552 5.2.2 The recipient's inbox is out of storage space. {token} - gsmtp",
    "552 5.2.2 {recipient}: user is over quota",
    "554 5.2.2 mailbox full;STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded; Failed to process message {token}",
    "552 5.3.4 Message size exceeds fixed limit",
    "552 message size exceeds size limit {number} of {recipient}",
    "550 5.7.1 Service unavailable, Client host [{ip}] blocked using Spamhaus. To request removal see https://www.example.com/query/ip/{ip} ({token})",
    "554 5.7.1 Service unavailable; Client host [{ip}] blocked using bl.example.net; https://bl.example.net/{token}",
    "550-5.7.26 This mail has been blocked because the sender is unauthenticated. {token} - gsmtp",
    "550 5.7.1 Our system has detected that this message is likely unsolicited mail. {token} - gsmtp",
    "554 5.7.1 Message rejected as spam by Content Filtering. Incident {token}",
    "554 5.7.1 Spam message rejected, score {day}.{hours} of 5",
    "550 5.7.1 Message content rejected, id={number}-{hours} - virus found: Eicar-Test",
    "550 5.7.1 [{token}] Message blocked due to policy of the recipient's domain",
    "553 5.1.8 <{path}>... Domain of sender address {path} does not exist",
    "550 5.7.25 The IP address sending this message does not have a PTR record setup. {token}",
    "554 5.4.14 Hop count exceeded - possible mail loop ATTR34 [{token}]",
    "550 5.4.310 DNS domain {domain} does not exist [Message=InfoDomainNonexistent] [{token}]",
    "550 5.1.2 Host unknown: {domain}",
    "554 rejected due to the sender's reputation, see https://postmaster.example.net/{token}",
    "521 5.2.1 This mailbox is inactive and has been disabled: {recipient}",
    "550 5.1.6 {recipient} has moved to {other}",
    "554 delivery error: dd This user doesn't have a {domain} account ({recipient}) [{token}]",
    "550 Administrative prohibition, ticket {number}",
    "554 Transaction failed. Reject due to policy restrictions. For explanation visit https://postmaster.example.com/error?ip={ip}&c={token}",
)
LATER = (
    "452 4.2.2 <{recipient}>: Mailbox full",
    "452 4.2.2 The recipient's inbox is out of storage space {token} - gsmtp",
    "450 4.2.0 <{recipient}>: Recipient address rejected: Greylisted, see https://postgrey.example.org/help/{domain}.html",
    "451 4.7.1 Greylisting in action, please come back in {seconds} seconds",
    "421 4.7.0 [TSS04] Messages from {ip} temporarily deferred due to unexpected volume or user complaints - {token}",
    "421 4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP address [{ip}]. {token} - gsmtp",
    "450 4.1.1 <{recipient}>: Recipient address rejected: unverified address: connect to {server}[{server_ip}]:25: Connection timed out",
    "451 4.3.0 Temporary lookup failure ({token})",
    "452 4.3.1 Insufficient system storage",
    "450 4.7.25 Client host rejected: cannot find your hostname, [{ip}]",
)
