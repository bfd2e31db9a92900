"""Known notices in, a verdict on the program out: the scores it must keep, and that line ends and mailboxes make no difference.

The argument is a folder with notices in `files/`, and `check`, which scores `bounces events` and prints percentages as JSON.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

AT_LEAST = {"bounces_found": 99.5, "delays_found": 100, "recipients_exact": 99, "status": 99, "reply": 98.5, "reason": 91.5, "hard": 95}
AT_MOST = {"false_alarms": 0, "misread": 0}
BOUNCES = Path(sys.executable).with_name("bounces")


def main(corpus: Path) -> None:
    """Exit with a sentence for what does not hold."""
    done = subprocess.run([corpus / "check", "--bounces", BOUNCES], capture_output=True, text=True, check=True)
    print(done.stdout)
    figures = json.loads(done.stdout.strip().splitlines()[-1])
    low = {name: figures[name] for name, bound in AT_LEAST.items() if figures[name] < bound}
    high = {name: figures[name] for name, bound in AT_MOST.items() if figures[name] > bound}
    if low or high:
        sys.exit(f"too low: {low}; too high: {high}")
    with tempfile.TemporaryDirectory() as folder:
        same_events(sorted((corpus / "files").rglob("*.eml")), Path(folder))


def same_events(notices: list[Path], folder: Path) -> None:
    """Write the notices with each line end, and as one mbox; all must give the same events."""
    ends = {"lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}
    plain = {path.stem: path.read_bytes().replace(b"\r\n", b"\n") for path in notices}
    for name, end in ends.items():
        (folder / name).mkdir()
        for stem, data in plain.items():
            (folder / name / f"{stem}.eml").write_bytes(data.replace(b"\n", end))
    with (folder / "all.mbox").open("wb") as mbox:
        for stem in sorted(plain):
            lines = [b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in plain[stem].split(b"\n")]
            mbox.write(b"From MAILER-DAEMON Thu Jan  1 00:00:00 2026\n" + b"\n".join(lines).rstrip(b"\n") + b"\n\n")
    expected = events(folder / "lf")
    for name in ("crlf", "cr", "all.mbox"):
        if (found := events(folder / name)) != expected:
            differing = [pair for pair in zip(expected, found, strict=False) if pair[0] != pair[1]]
            sys.exit(f"{name} gives other events than LF: {len(differing)} of {len(expected)}, {len(found)} found; first {differing[:1]}")
    print(f"{len(plain)} messages as LF, CRLF, CR and as one mbox give the same {len(expected)} events")


def events(source: Path) -> list[dict[str, object]]:
    """Return the events of a source without their origins, which differ."""
    out = source.with_suffix(".jsonl")
    subprocess.run([BOUNCES, "events", source, "-o", out], check=True)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    return [{name: value for name, value in row.items() if name != "origin"} for row in rows]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
