import json
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bounces import analyze, rulecheck
from bounces.cli import main
from bounces.errors import RuleError
from bounces.rules import check
from bounces.rules.match import RuleSet

GOOD = """
[[rule]]
id = "mine.retired"
text = ["has retired", "no longer works here"]
reason = "moved"
source = "our own notices"
examples = ["550 The person you are writing to has retired"]
"""


def rule(**changes):
    """Return a valid rule as TOML, with some of its keys changed, or left out where None is given."""
    keys = {
        "id": '"mine.retired"',
        "text": '"gone fishing for good"',
        "reason": '"moved"',
        "source": '"our own notices"',
        "examples": '["550 he has gone fishing for good"]',
    } | changes
    return "[[rule]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items() if value is not None)


@pytest.fixture
def problems(tmp_path):
    """Return a function that returns what is wrong with the text of a rule file, a sentence each, without the folder."""

    def checked(*texts):
        for number, text in enumerate(texts):
            (tmp_path / f"{number}.toml").write_text(text, encoding="utf-8")
        try:
            rulecheck.check([str(tmp_path / f"{number}.toml") for number in range(len(texts))])
        except RuleError as error:
            return str(error).replace(f"{tmp_path}/", "").splitlines()
        return []

    return checked


@pytest.mark.parametrize(
    ("changes", "line", "sentence"),
    [
        ({"colour": '"red"'}, 7, "unknown key 'colour'; known are"),
        ({"reasn": '"moved"'}, 7, "unknown key 'reasn'; do you mean 'reason'?"),
        ({"text": None, "text.deep": '"x"'}, 6, "text: {'deep': 'x'} must be a string or a list"),
        ({"reason": '"USER_UNKNWN"'}, 4, "unknown reason 'USER_UNKNWN'; do you mean 'user_unknown'?"),
        ({"reason": "5"}, 4, "unknown reason 5; known are"),
        ({"reason": None}, 1, "reason is missing; known are"),
        ({"id": None}, 1, "its id is missing"),
        ({"id": '"Mine"'}, 2, "its id is missing, or is not a word, a dot"),
        ({"id": '"text.user-unknown"'}, 2, "the id is taken, by a rule of ours"),
        ({"id": '"german.user-unknown"'}, 2, "the id is taken, by a rule of ours"),
        ({"source": None}, 1, "source is missing"),
        ({"source": '" "'}, 5, "source is missing"),
        ({"generic": '"true"'}, 7, "generic is true or false"),
        ({"text": None}, 1, "has no condition"),
        ({"examples": None}, 1, "has no examples"),
        ({"examples": "[]"}, 6, "has no examples"),
        ({"examples": '["550 he has gone fishing for good",\n\n" "]'}, 8, "examples: ' ' must be a string or a list of strings"),
        ({"reply_code": "550"}, 7, "reply_code: 550 must be a string or a list of strings, in quotation marks"),
        ({"status": '"9.9"'}, 7, "status: '9.9' is no code pattern"),
        ({"status": '"550"'}, 7, "status: '550' is no code pattern"),
        ({"reply_code": '["5yz", "5.1.1"]'}, 7, "reply_code: '5.1.1' is no code pattern"),
        *(
            ({"remote_mta": f"[\"mx.example.com\", '{host}']"}, 7, f"remote_mta: {host!r} fits no server's name")
            for host in ("*google.com", "mx.*", "mx example.com", "*", "*.*.com", ".example.com", "mx.example.com.", "https://example.com")
        ),
    ],
)
def test_what_is_wrong_in_a_rule_is_told_with_its_line(problems, changes, line, sentence):
    """Each mistake is one sentence with the file, the line of what is wrong and the rule."""
    found = problems(rule(**changes))
    ident = "number 1" if changes.get("id", "") is None else changes.get("id", '"mine.retired"').replace('"', "'")
    assert len(found) == 1
    assert found[0].startswith(f"0.toml:{line}: rule {ident}: {sentence}")


def test_a_phrase_that_means_nothing_is_told_where_it_stands(problems):
    """Among the others of its rule, with what to write instead."""
    found = problems(rule(text="[\n'gone fishing for good',\n'user.*',\n'to anna@example.com', '(a|b' ]"))
    assert [sentence.partition("'mine.retired': ")[0] for sentence in found] == ["0.toml:5: rule ", "0.toml:6: rule ", "0.toml:6: rule "]
    assert "'user.*' looks like a regular expression" in found[0]
    assert """is read as a lone "@"; write that for 'anna@example.com'""" in "".join(found)


def test_an_upper_case_server_is_fine(problems):
    """Names of servers are compared without case."""
    assert problems(rule(remote_mta='"*.EXAMPLE.com"')) == []


def test_all_problems_are_told_at_once_in_the_order_of_the_lines(problems):
    """Of every rule, of every file, and also of one that can't be read."""
    found = problems(rule(id='"x"', reason='"x"', status='"x"') + rule(id='"mine.b"', colour="1"), "[[rule", rule(source="1"))
    assert [sentence.split(": ")[0] for sentence in found] == ["0.toml:2", "0.toml:4", "0.toml:7", "0.toml:14", "1.toml:1", "2.toml:5"]


def test_an_id_is_used_once(problems):
    """In a file, and in the files that are used together; also where the rule has other faults."""
    found = problems(rule() + rule(reason="1"), rule(examples='["550 no"]'))
    taken = "rule 'mine.retired': the id is taken, at 0.toml:2; choose another"
    assert [sentence for sentence in found if "taken" in sentence] == [f"0.toml:8: {taken}", f"1.toml:2: {taken}"]


def test_an_example_must_reach_its_rule(problems):
    """Where another rule shadows it that rule is named, and where its own conditions fail it that is said."""
    found = problems(
        rule(text='["gone fishing for good", "user unknown"]', examples='["550 he has gone fishing for good",\n"550 5.1.1 User unknown"]')
    )
    assert len(found) == 1
    assert "0.toml:7: rule 'mine.retired': its example '550 5.1.1 User unknown' is decided by text.user-unknown, which shadows the rule" in found[0]
    found = problems(rule(examples='"550 5.1.1 he has retired"'))
    assert "is decided by enhanced.x-1-1, for the rule's own conditions do not fit it" in found[0]
    assert "is decided by no rule" in problems(rule(examples='"he has retired"'))[0]


def test_a_counter_example_must_not(problems):
    """A counter-example that reaches its rule is told."""
    (found,) = problems(rule(counter_examples='["550 he is here",\n"550 the cat has gone fishing for good"]'))
    assert found.startswith("0.toml:8: rule 'mine.retired': decides its counter-example '550 the cat")


def test_a_phrase_that_another_rule_always_wins_on_is_told(problems):
    """Though the examples pass by another phrase; not where the rule's codes or its provider make it win, or one of its words does."""
    phrases = '[\n"gone fishing for good",\n"no such user",\n"(no such|no longer our) user"]'
    (found,) = problems(rule(id='"your.retired"', text=phrases))
    assert found.startswith("0.toml:5: rule 'your.retired': text: 'no such user' can never decide, it is decided by text.no-such-user")
    assert problems(rule(id='"your.retired"', text=phrases, reply_code='"5yz"')) == []
    assert problems(rule(id='"your.retired"', text=phrases, remote_mta='"*.example.com"')) == []


def test_a_provider_is_tried_with_a_server_of_its_own(problems):
    """A rule for a provider decides its examples, and one of its codes is enough to reach it."""
    assert (
        problems(
            rule(remote_mta='["*.example.com", "mx.example.net"]', status='["4.2.2", "x.7.606-649"]', examples='"550 5.7.610 gone fishing for good"')
        )
        == []
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "0.toml:1: a rule file holds [[rule]] tables and nothing else"),
        ("\n\na = 1\n", "0.toml:3: a rule file holds"),
        ("[[rules]]\nid = 1", "0.toml:1: a rule file holds"),
        ("\n[rule]\nid = 1", "0.toml:2: a rule file holds"),
        ("rule = [{id = 1}]", "0.toml:1: a rule file holds"),
        (GOOD + "[other]\nid = 1", "0.toml:8: a rule file holds"),
        (GOOD + "[rule.deep]\nid = 1", "0.toml:8: rule 'mine.retired': unknown key 'deep'"),
        (GOOD + "x = 'a", "0.toml:8: not valid TOML"),
        (GOOD + "\n\n= 1\n\n", "0.toml:10: not valid TOML"),
        ("a = " + "[" * 5000, "0.toml:1: not valid TOML"),
        ("a = " + "9" * 5000, "0.toml:1: not valid TOML"),
    ],
)
def test_a_file_of_something_else_is_told(problems, text, sentence):
    """Not TOML, not rules, nothing at all: one sentence with the line."""
    (found,) = problems(text)
    assert found.startswith(sentence)


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    """Not there, a folder, not UTF-8; a mark of byte order is none of these."""
    (tmp_path / "latin.toml").write_bytes("# Größe".encode("latin-1"))
    (tmp_path / "mark.toml").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    for name in ("nowhere.toml", "", "latin.toml"):
        with pytest.raises(RuleError, match=str(tmp_path / name)):
            rulecheck.check([str(tmp_path / name)])
    assert rulecheck.check([str(tmp_path / "mark.toml")]) == (f"{tmp_path / 'mark.toml'}: 1 rule, 1 example: all reach their rule",)


@given(
    st.text()
    | st.lists(
        st.sampled_from([*GOOD.splitlines(keepends=True), *"\"'#\n[]{}=., x1", '"""', "'''", "[[rule]]\n", 'text = ["', '(|*) ^"', "[rule.a]\n"])
    ).map("".join)
)
def test_any_text_as_a_rule_file_has_problems_or_none(text):
    """A text makes rules, or problems that name a line of it; no other error."""
    file = check.parse(text, "x.toml")
    assert file.problems or all(rule for _, rule in file.tables)
    assert all(1 <= line <= text.count("\n") + 1 for line, _ in file.problems)


WORDS = st.lists(st.text("ab|()* .@é5\\", max_size=12), max_size=3)


@given(WORDS, WORDS, WORDS)
def test_any_phrase_and_example_have_problems_or_none(phrases, examples, counter_examples):
    """Whatever a rule says, it is judged."""
    lists = {"text": phrases, "examples": examples, "counter_examples": counter_examples}
    file = check.parse(rule(**{key: json.dumps(words) for key, words in lists.items()}), "x.toml")
    for table, made in file.tables:
        found = file.problems if made is None else rulecheck.unreached(made, table, RuleSet([made]))
        assert all(sentence.startswith(f"x.toml:{line}: rule 'mine.retired': ") for line, sentence in found)


NOISE = (
    '# [[rule]] "\n',
    "\n",
    'source = """\n[[rule]]\nbad = 1\n\\""" # " """\n',
    "source = '''\n[[rule]]\nbad = \"1\n''''\n",
    'examples = [ # ]\n  "[[rule]]", \'#\', # "x\n  """\nbad = 1""",\n]\n',
    'source = "\\"[[rule]]#"\n',
    "counter_examples = [\n[['rule']],\n]\n",
    " 'reason' = 'moved' # bad = 1\n",
)


@given(st.lists(st.lists(st.sampled_from(NOISE), unique_by=lambda noise: noise.split("=")[0].strip(" '")), min_size=1))
def test_lines_are_right_whatever_stands_between(blocks):
    """Headers and keys inside of strings and comments are none; those outside are where they are."""
    text, expected = "", []
    for block in blocks:
        text += " [[ 'rule' ]] # [[rule]]\n" + "".join(block)
        expected.append(text.count("\n") + 1)
        text += "\"bad\" = 'x'\ntext = [\n\n'fine', 'a*b']\n"
    found = check.parse(text, "x.toml").problems
    assert [line for line, sentence in found if "unknown key 'bad'" in sentence] == expected
    assert [line for line, sentence in found if "inside a word" in sentence] == [line + 3 for line in expected]


def test_time_is_linear_in_the_file():
    """Ten times the rules cost about ten times the time to read."""

    def seconds(size):
        text = (GOOD + '# "\n') * size + "[other]"
        started = time.perf_counter()
        assert check.parse(text, "x.toml").problems
        return time.perf_counter() - started

    assert min(seconds(500) for _ in range(3)) < 25 * min(seconds(50) for _ in range(3)) + 0.05


def test_the_command_says_that_all_is_well(tmp_path):
    """One line for each file on standard output, and nothing else."""
    for name, text in (
        ("a.toml", GOOD),
        ("b.toml", rule(id='"mine.b"') + rule(id='"mine.c"', text='"went surfing"', examples='["went surfing", "he went surfing"]')),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = CliRunner().invoke(main, ["rules", "check", str(tmp_path / "a.toml"), str(tmp_path / "b.toml")])
    assert (done.exit_code, done.stderr) == (0, "")
    assert (
        done.stdout == f"{tmp_path}/a.toml: 1 rule, 1 example: all reach their rule\n{tmp_path}/b.toml: 2 rules, 3 examples: all reach their rule\n"
    )


@pytest.mark.parametrize("words", [["rules", "check"], ["classify", "550 user unknown", "--rules"], ["events", "-", "-o", "-", "--rules"]])
def test_the_commands_tell_the_same_problems(tmp_path, words):
    """On standard error, in red, file and line first; exit code 2."""
    path = tmp_path / "mine.toml"
    path.write_text(rule(reason='"x"', colour="1") + rule(id='"mine.b"', text='"a*b"'), encoding="utf-8")
    done = CliRunner().invoke(main, [*words, str(path)], color=True)
    assert (done.exit_code, done.stdout) == (2, "")
    assert [line.split(": rule ")[0] for line in done.stderr.splitlines()] == [f"\x1b[31m{path}:{line}" for line in (4, 7, 10)]


def test_the_command_works_as_a_program(tmp_path):
    """A file that isn't there is one line and exit code 2, without a traceback."""
    command = [sys.executable, "-m", "bounces", "rules", "check", str(tmp_path / "nowhere.toml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [f"{tmp_path}/nowhere.toml: cannot be read as a rule file: No such file or directory"]


def test_help_has_an_example():
    """The command shows how it is used."""
    done = CliRunner().invoke(main, ["rules", "check", "--help"])
    assert "\n    bounces rules check rules.toml" in done.stdout


def test_the_rules_of_a_run_are_the_checked_ones(tmp_path):
    """A rule that passed decides."""
    (tmp_path / "mine.toml").write_text(GOOD, encoding="utf-8")
    assert analyze.classify("550 She no longer works here", rules=[str(tmp_path / "mine.toml")]).rule == "mine.retired"
