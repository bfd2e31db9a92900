import pytest

from bounces import analyze, rules
from bounces.advise import TAKES_OFF
from bounces.classify import classify
from bounces.hedges import hedge
from bounces.model import Attempt, Evidence, Reason

GONE = Evidence("test.gone", Reason.USER_UNKNOWN, 7, "mailbox not found")
DENIED = Evidence("test.denied", Reason.POLICY_REJECTED, 3, "keep out")


def test_what_is_said_plainly_is_not_softened():
    """A dead address that the reply is sure of has no hedge."""
    assert hedge((GONE,), "550 5.1.1 mailbox not found", "550") is None


def test_only_a_dead_address_is_softened():
    """Of another reason nobody is removed, so nothing is asked."""
    assert hedge((DENIED,), "550 keep out for now", "550") is None
    assert hedge((), "for now", None) is None


def test_two_causes_joined_by_or():
    """ "or" between a dead cause and a living one, in either order, and no longer where a sentence stands between."""
    assert "keep out" in hedge((GONE, DENIED), "550 mailbox not found or keep out", "550")
    assert "keep out" in hedge((GONE, DENIED), "550 keep out or mailbox not found", "550")
    assert hedge((GONE, DENIED), "550 mailbox not found. keep out", "550") is None
    assert hedge((GONE, DENIED), "550 mailbox not found. ask your postmaster or somebody who knows, or else keep out", "550") is None


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.2.1 This account has been temporarily suspended",
        "550 5.2.1 mailbox disabled for the time being",
        "550 user is locked",
        "550 Utilisateur inconnu, réessayez plus tard",
        "550 5.1.1 ユーザーが見つかりません。後ほどお試しください",
        "550 用户不存在，请稍后再试",
        "550 5.1.1 invalid or blocked recipient",
        "550 5.1.1 unknown or suspended user",
        "550 User does not exist or is over quota",
        "554 5.1.1 no valid recipients",
        "550 sender b@example.org does not exist",
        "550 5.1.1 your address does not exist",
        "550 5.1.1 Blocked by policy",
        "550 5.1.1 rejected: spam",
        "550 5.1.1 The mailbox might have been deleted",
        "550 5.1.1 possibly invalid recipient",
        "550 5.2.1 The account might be disabled",
        "550 5.1.1 recipient validation failed: timeout",
        "550 5.1.1 the host you connect from is not one of ours",
        "550 your mail server cannot be found in the DNS",
        "550 could not find a mail server for your domain",
        "550 reply-to address does not exist",
        "550 the domain you send from cannot be found in DNS",
        "550 5.2.1 ამ მისამართზე წერილი არ მიიღება",
        "550 5.2.1 Ang mailbox na ito ay hindi tumatanggap ng mensahe",
        "550 5.1.1 Die Domain der Absenderadresse wurde nicht gefunden",
        "550 5.1.1 Il dominio dell'indirizzo del mittente non esiste",
        "550 5.1.1 Домен в адресе отправителя не существует",
        "550 5.1.1 发件人地址不存在",
        "550 Ihre IP-Adresse ist unbekannt",
        "550 Votre compte est introuvable",
        "550 Su cuenta no existe",
        "550 Ваш аккаунт не найден",
        "550 IP adresiniz bulunamadı",
        "550 您的账号不存在",
        "550 お客様のアカウントが見つかりません",
        "550 귀하의 계정 존재하지 않습니다",
        "550 User b@example.org is not authorized to send mail: account inactive",
        "550 5.2.1 Mailbox disabled because it is over its storage limit",
        "550 5.2.1 Mailbox disabled: receiving too many messages",
        "550 5.2.1 user on vacation, mailbox closed until 10 January",
        "550 5.1.1 mailbox not yet created",
        "550 5.2.1 account is on hold",
        "550 5.2.1 Der Empfänger nimmt keine Nachrichten von außen an",
        "554 5.1.2 SPF include domain not found",
        "550 link host bad.example does not exist",
        "550 5.7.1 Refused. Ask your administrator whether the mailbox does not exist",
        "550 5.7.1 delivery of user unknown notices exceeds our limit",
        "550 Your trial account has expired, upgrade to send mail",
        "550 Account expired: b@example.org may not send",
        "550 Der Empfänger nimmt die Nachricht nicht an. Die Nachricht existiert nicht mehr",
        "550 受信者はこのメールを拒否しました。メッセージは見つかりません",
        "550 Domain example.com not known here",
        "550 host mx.example.com is not registered here",
        "554 the certificate is no longer in use",
    ],
)
def test_what_a_reply_softens_takes_nobody_off(reply):
    """It is so for now, one cause of two, of all recipients or of the sender, or the code's alone: a person looks first."""
    assert analyze.classify(reply).recommended_action not in TAKES_OFF


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 unknown or illegal alias: a@example.com",
        "550 5.2.1 account disabled or discontinued",
        "550 5.2.1 The account has been locked for inactivity",
        "550 5.1.1 User unknown; returned to sender",
        "550 5.1.1 Empfänger unbekannt; zurück an den Absender",
        "550 5.1.1 宛先のユーザーが見つかりません。送信者に返送します",
        "550 jane.doe is not registered here",
        "550 user a@example.com... does not exist",
        "550 5.1.1 Die Zustellung schlug fehl. Der Empfänger existiert nicht",
        "550 5.1.1 your recipient's address does not exist",
        "550 5.2.1 You tried to send mail to an account that is disabled",
        "550 5.1.1 Ihre Nachricht konnte nicht zugestellt werden: Empfänger unbekannt",
        "550 Server tidak mengenal penerima ini",
        "550 message to <a@example.com> refused: not found in directory",
        "550 Domain example.com has no such user",
        "554 Server: user not found in our database",
        "550 5.1.1 Recipient rejected",
        "550 5.1.1 The address could not be found; you may contact our help desk",
        "550 5.1.1 ამ მისამართზე წერილი არ მიიღება",
        "550 5.1.1 The user does not exist on this server. See https://example.com/limits",
        "550 5.1.1 user unknown. Link: https://example.com/help",
        "550 5.2.1",
    ],
)
def test_what_only_looks_soft_does(reply):
    """Both causes are a dead address's, the lock is for good, or the sender is only named."""
    assert analyze.classify(reply).recommended_action in TAKES_OFF


RATES = [rule for rule in rules.languages() if rule.reason is Reason.RECIPIENT_RATE_LIMITED]


@pytest.mark.parametrize("rule", RATES, ids=lambda rule: rule.id)
def test_who_gets_too_much_mail_lives_in_every_language(rule):
    """ "The user is receiving mail too fast" names a user who can't get this one now, and stays one whatever the code."""
    assert len(RATES) > 30
    for example in rule.examples:
        for codes in ("", "550 5.1.1 ", "550 5.2.1 "):
            said = codes + example.removeprefix("450 4.2.1 ").removeprefix("450 ")
            assert classify(Attempt(diagnostic_code=said, command="RCPT"), analyze.rule_set()).reason is Reason.RECIPIENT_RATE_LIMITED
