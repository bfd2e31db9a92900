"""A reply in, what in it softens that an address is dead out: it is so for now, of nobody in particular, or only one of two causes."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from bounces.folding import fold
from bounces.language import Said
from bounces.model import Evidence, Reason
from bounces.pattern import late
from bounces.phrases import Phrases
from bounces.rules import TEXT
from bounces.rules.match import DEAD

if TYPE_CHECKING:
    from collections.abc import Sequence

# account temporarily suspended; try again later; 暂时停用
PASSING = """temporar*, for now, for the moment, for the time being, until, not yet, pending, on hold, maintenance,
    right now, at the moment, at this time, try later, try again later, try it later, retry later,
    vorübergehend*, temporär*, zeitweilig*, später, momentanement*, temporaire*, plus tard, ultérieurement, temporal*, más tarde, temporane*,
    momentane*, più tardi, mais tarde, tijdelijk*, later opnieuw, tillfällig*, senare, midlertidig*, senere, tilapäis*, väliaikais*, myöhemmin,
    tymczasow*, chwilow*, później, dočasn*, později, neskôr, privremen*, kasnije, временн*, позже, позднее, тимчасов*, пізніше, по-късно,
    ideiglenes*, átmeneti*, később, vremelnic*, mai târziu, geçici*, daha sonra, προσωριν*, αργότερα, *مؤقت*, لاحقا, موقت*, بعدا, זמני*,
    מאוחר יותר, sementara, nanti, tạm thời, ชั่วคราว, ภายหลัง, 一時的, 一時停止, 後ほど, 後で, しばらく, 暂时, 暫時, 临时, 臨時, 稍后, 稍後,
    일시*, 나중에, 잠시*"""
LOCKED = late(r"\blocked\b(?!.{0,80}\b(?:for|due|because|request)\b)")  # user is locked; but not: locked for inactivity

# der Absender, Ihr Konto, votre adresse IP; 发件人, 您的账号; but no: المرسل إليه, whom it was sent to; 送信者に, whom it goes back to
SENDERS = """(?:absender|afzender|mittente|expéditeur|remitente|remetente|remitent|expeditor|nadawc|odesílatel|odosielateľ|pošiljatelj|отправител
    |відправник|подател|avsändar|avsender|afsender|lähettäj|feladó|gönderen|αποστολ|שולח|فرستنده)\\w*
    |ihr\\w{0,2}_(?:ip|konto|account|e-?mail-?adresse|adresse|server|mailserver|domain|host)|votre_(?:adresse|compte|serveur|domaine|ip)
    |[st]u_(?:dirección|cuenta|servidor|dominio|ip)|(?:suo|vostro|tuo)_(?:indirizzo|account|server|dominio|ip)
    |(?:seu|sua|teu|tua)_(?:endereço|conta|servidor|domínio|ip)|ваш\\w{0,3}_(?:ip|адрес|сервер|аккаунт|домен|учетн|акаунт|обліков|сървър|профил)
    |(?:tw[oó]j|twoj|państw|wasz)\\w{0,4}_(?:ip|adres|serwer|konto|domen)|va[sš]\\w{0,3}_(?:ip|server|účet|domén|domen|adres|poslužitelj|račun)
    |(?:uw|je|jouw)_(?:ip|server|account|domein|adres|mailserver)|(?:din|dit|ditt)_(?:ip|server|konto|domän|domæne|domene|adress)
    |(?:ip|e-?posta|sunucu|hesab|hesap|alan_ad)\\w{0,9}n[iu]z|adres\\w{0,3}n[iu]z|(?:az_)?(?:ön|önök)_(?:ip|kiszolgáló|fiók|domain|szerver)
    |ip_?(?:adres|address|адрес|cím|osoite)|(?:adresse|dirección|indirizzo|endereço|adres|adresa|địa_chỉ|alamat)_ip"""
SENDERS_UNPARTED = """发件人|發件人|发信人|發信人|寄件者|寄件人|送信者(?!に)|差出人(?!に)|発信者(?!に)|送信元|发信|보낸_사람|발신자|송신자|발신_도메인
    |người_gửi|pengirim|ผู้ส่ง|[您你]的?(?:ip|服务器|伺服器|账号|帐号|账户|帳號|帳戶|域名|网域|網域|地址)|ip_?地址|ip_?位址|ip_?アドレス|ip_?주소
    |(?:あなた|お客様|貴社|御社|貴方)の(?:ip|サーバ|アカウント|ドメイン|アドレス|メールアドレス)|귀하의_(?:ip|서버|계정|도메인|주소)"""


def _folded(words: str) -> str:
    """Return a pattern as it reads in a folded text: its lines joined, "_" a space."""
    return fold("".join(words.split())).replace("_", " ")


# the sender can't receive replies; your address does not exist
OF_THE_SENDER = late(
    r"\b(?:sender(?:'s)?|originator(?:'s)?|envelope from|mail from|mailfrom|return (?:path|address)|reverse path|helo|ehlo"
    r"|(?:from:?|reply to|disposition) (?:address|domain|header)"
    r"|(?:your|sending|connecting|client(?:'s)?) (?:(?!recipient|intended|addressee|destination|correspondent|contact)\w{1,14} )?(?:(?:e )?mail )?"
    r"(?:address|account|domain|mailbox|user|ip|host|server|machine|system|provider|mx)"
    r"|(?:address|host|server|ip) (?:that )?you (?:send|sent|are sending|use|used|gave)"
    r"|you (?:are )?(?:send|sent|sending|mail|mailed) from|you connect\w*|you are not (?:an?|our|one|on|in)"
    r"|not (?:allowed|authori[sz]ed|permitted) to send|smart ?host|message.id|(?:urls?|links?)(?!\W{0,3}https?\b)|spf|dkim|dmarc)\b"
    rf"|\b{_folded(SENDERS)}|{_folded(SENDERS_UNPARTED)}|{fold('المرسل')}\b(?! {fold('إليه')})"
)
# domain example.com not found on this server: words without a recipient, of something else; but no: user of domain example.com not found
THING = late(
    r"\b(?:domain|host|hostname|host name|server|relay|gateway|port|tls|ssl|version|message|message.id|attachment|file|certificate|key|record"
    r"|protocol|command|page|site|service|path|database|table|directory|store)(?: [^\s@,;:]{1,64}){0,2}"
    r" (?:(?:is|was|are|has|been|does|do|did|could|can|be|it) ){0,2}\Z"
)
RECIPIENT = late(
    r"@|\b(?:users?|recipients?|mail ?box\w*|accounts?|address\w*|adress\w*|alias|inbox|person|people|customer|subscriber|rcpt|name|e ?mail|employee"
    r"|member|nobody|no one|id|i|we|he|she|they|who)\b"
)
ITSELF = frozenset({Reason.USER_UNKNOWN, Reason.MAILBOX_INACTIVE, Reason.MAILBOX_DISABLED, Reason.MOVED})  # said of a recipient, not of a domain
# recipient lookup failed: timeout
OWN_FAULT = late(r"\b(?:time ?out|timed out|not (?:answering|responding)|(?:server|internal|lookup|database|ldap) (?:error|failure))\b")
NEXT = late(rf"\W{{1,3}}(?:(?:for|of|from|on|in|at|by) )?(?:the )?(?:{OF_THE_SENDER.pattern})")
BEFORE = 40  # characters before what is dead, in which it is said whose it is

# what is said in answer to DATA, once every RCPT was refused
NOBODY_LEFT = """no valid (recipients|rcpts), no (accepted|acceptable) recipients,
    (all|every) (recipient|recipients) (were|was|are|) (refused|rejected)"""

# unknown or blocked recipient; over quota or nonexistent
GONE = r"(?:unknown|invalid|illegal|incorrect|wrong|non ?existent|not found|not exist\w*|doesn't exist)"
ALIVE = (
    r"(?:blocked|suspended|full|over ?quota|denied|restricted|refused|rejected|not (?:allowed|permitted|authori[sz]ed)|unauthori[sz]ed|unreachable)"
)
EITHER = late(rf"\b(?:{GONE}\W+or\W+(?:\w+ ){{0,3}}?{ALIVE}|{ALIVE}\W+or\W+(?:\w+ ){{0,3}}?{GONE})\b")
# mailbox not found or access denied; ユーザーが存在しないか
WORDS = "or oder ou o eller lub albo nebo alebo или або veya tai vagy sau atau hoặc"
OR = late(rf"\b(?:{'|'.join(fold(WORDS).split())})\b|{'|'.join(map(fold, ('或', 'または', 'もしくは', '또는', '거나', 'ないか')))}")
BETWEEN = 24  # characters between two causes that an "or" joins

# recipient refuses this. message not found: words of two sentences; but no: user @... not found
SENTENCE_END = late(r"[^\W\d_]{2}[.!?] \w|[。！？]")
# account expired: may not send
SENDING = late(r"\bmay not send\b|\b(?:for|from) sending\b|\b(?:outgoing|outbound) (?:mail|e ?mail|messages?)\b|\bto send mail\Z")
# too many attempts to unknown users; unknown user limit exceeded: of how many there were; but no: https://example.com/limits
COUNTED = late(
    r"(?<![\w/.])(?:limits?|threshold|rates?|ratio|count|percentage|attempts to (?:un|in|non|bad)\w*|exceed\w*|too (?:many|high|much|often)|no more"
    r"|per (?:hour|day|minute)|this session)\b"
)

# mailbox may not exist; might be disabled; possibly invalid; but no: you may contact
UNSURE = late(r"\b(?:(?:may|might)(?: not)? (?:be|have|exist|no longer)|could (?:be|have)|possibly|perhaps|maybe|presumably|apparently)\b")
WHETHER = late(r"\b(?:if|whether|unless|in case|in the event)(?: \w{1,12}){0,2} \Z")  # if this address does not exist
UNSURE_BEFORE = 12  # characters before what is dead that still speak of it

WORD = late(r"\b[^\W\d_]{3,}\b")
SENTENCE = 4  # words that no rule read

# no words of a living address: those of a dead one, and of a mailbox that is refused for no cause that is told
UNTELLING = DEAD | {Reason.MAILBOX_UNAVAILABLE}


def hedge(evidence: Sequence[Evidence], text: str, reply_code: str | None) -> Said | None:
    """Return how a reply itself softens that an address is dead, or None. `text` is folded as the rules see it."""
    if not evidence or evidence[0].reason not in DEAD:
        return None
    return _said_of_itself(text, reply_code) or _left_open(evidence[0].matched, evidence, text)


@lru_cache(maxsize=64)
def _said_of_itself(text: str, reply_code: str | None) -> Said | None:
    """Return what a reply says of all its words: they hold for now, for all recipients, or for one of two causes."""
    if LOCKED.search(text) or _says(text, PASSING):
        return Said("the reply itself says that it is for now")
    if reply_code and _says(text, NOBODY_LEFT):
        return Said("the reply is about all recipients, and not about this one")
    if fault := OWN_FAULT.search(text):
        return Said("the reply speaks of a fault of the server's own: {words}", words=fault.group())
    either = EITHER.search(text)
    return Said("the reply leaves open which it is: {words}", words=either.group()) if either else None


def _says(text: str, phrases: str) -> bool:
    """Say whether a text says one of the phrases, which commas part."""
    return next(_ready(phrases).found(text), None) is not None


@cache
def _ready(phrases: str) -> Phrases:
    """Make phrases ready once they are asked for, which few messages do."""
    return Phrases(phrases.split(","))


def _left_open(winner: str, evidence: Sequence[Evidence], text: str) -> Said | None:
    """Return what else a reply speaks of, beside the words that say that an address is dead, which are "" where only a code does."""
    living = [one.matched for one in evidence if one.matched and one.reason not in UNTELLING]
    if not winner:
        other = living[0] if living else _unread(evidence, text)
        return Said("only the code says so, and the words are others: {words}", words=other) if other else None
    start = max(0, text.find(winner.partition(" … ")[0]))
    end = max(0, text.find(last := winner.rpartition(" … ")[2], start) + len(last))
    if doubt := _unsure(winner, evidence[0], text, start, end) or _of_another(evidence[0], text, start, end):
        return doubt
    same = [one.matched for one in evidence if one.matched and one.tier == evidence[0].tier and one.reason is evidence[0].reason]
    if evidence[0].reason in ITSELF and all(_parted(one, text) for one in same):
        return Said("the reply leaves open which it is: {words}", words=winner)
    # "disabled: over quota", or "for sending": its owner opens it again, or it is open to some
    alive = (one.matched for one in evidence if one.matched and one.tier >= TEXT and one.reason not in UNTELLING)
    closed = next(alive, None) if evidence[0].reason is Reason.MAILBOX_DISABLED else None
    other = closed or next((one for one in living if _joined(winner, one, text) or _joined(one, winner, text)), None)
    return Said("the reply leaves open which it is: {words}, or {others}", words=winner, others=other) if other else None


def _unsure(winner: str, told: Evidence, text: str, start: int, end: int) -> Said | None:
    """Return words around those that tell, which stand between `start` and `end`, that doubt them, set a condition or count many."""
    unsure = UNSURE.search(text, max(0, start - UNSURE_BEFORE), end)
    if unsure and unsure.group() not in winner:  # a rule that knows the whole sentence knows what it means
        return Said("the reply isn't sure of it: {words}", words=unsure.group())
    if condition := WHETHER.search(text[max(0, start - BEFORE) : start]):
        return Said("the reply isn't sure of it: {words}", words=condition.group().strip())
    counted = COUNTED.search(text) if told.reason is Reason.USER_UNKNOWN else None
    return Said("the reply leaves open which it is: {words}", words=counted.group()) if counted else None


def _parted(matched: str, text: str) -> bool:
    """Say whether words that tell stand in two sentences."""
    parts = matched.split(" … ")
    start = text.find(parts[0]) + len(parts[0])
    return len(parts) > 1 and SENTENCE_END.search(text[max(0, start - 2) : text.find(parts[-1], start) + 1]) is not None


def _of_another(told: Evidence, text: str, start: int, end: int) -> Said | None:
    """Return words around those that tell, which stand between `start` and `end`, by which they are of the sender or of no person at all."""
    sender = OF_THE_SENDER.search(text, max(0, start - BEFORE), end) or NEXT.match(text, end) or SENDING.search(text)
    if sender and told.reason is not Reason.SUPPRESSED:  # the list is the sender's own
        return Said("the reply speaks of the sender: {words}", words=sender.group())
    english = told.reason in ITSELF and told.rule.startswith("text.")
    thing = THING.search(text[max(0, start - BEFORE) : start]) if english else None
    if thing and not RECIPIENT.search(text, max(0, start - BEFORE), end):
        return Said("the reply speaks of something else: {words}", words=thing.group().strip())
    return None


def _unread(evidence: Sequence[Evidence], text: str) -> str | None:
    """Return words beside a code that doubt it or are the sender's; and any that no rule read beside x.2.1, which servers give for too much."""
    if found := UNSURE.search(text) or OF_THE_SENDER.search(text):
        return found.group()
    unread = evidence[0].reason is Reason.MAILBOX_DISABLED and not any(one.matched for one in evidence)
    words = WORD.findall(text) if unread else ()
    return " ".join(words) if len(words) >= SENTENCE or any(not word.isascii() for word in words) else None


def _joined(first: str, second: str, text: str) -> bool:
    """Say whether one thing that a text says follows another after an "or"."""
    end = text.find(last := first.rpartition(" … ")[2]) + len(last)
    start = text.find(second.partition(" … ")[0], end)
    return 0 <= start - end <= BETWEEN and OR.search(text, end, start) is not None
