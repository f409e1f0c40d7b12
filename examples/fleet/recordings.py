"""One recording of many: verified, and its hostcalls and requests listed, once.

What is found out of a recording goes to a directory that all machines share:

    OUT/verified/HASH.json      whether replay agrees with it
    OUT/events/HASH.ndjson      its hostcalls, one to a line
    OUT/requests/HASH.ndjson    what it was asked, where it is of a service
    OUT/causes/HASH.ndjson      why it failed, if it did, as `rr-dap ask RECORDING why` tells

HASH is that of the recording's bytes. Files are written under another name first, and the one in
`verified` comes last: where it is, all of them are whole. So whoever is killed in the middle leaves
nothing that is half done, and who comes to the same recording again finds that it is done."""

import hashlib
import json
import os
import socket
import subprocess
import tempfile
from pathlib import Path

# A recording that takes longer is told as one that cannot be replayed, in seconds.
LONGEST = 3600


def find(directory):
    """The recordings beneath a directory, by name, relative to it."""
    root = Path(directory)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*.rrtrace"))


def work(rr_dap, directory, name, out):
    """Verifies one recording and lists what is in it, unless that is done; answers what is known."""
    directory, out = Path(directory), Path(out)
    recording = hash_of(directory / name)
    done = out / "verified" / f"{recording}.json"
    if done.exists():
        return json.loads(done.read_text())
    facts = verify(rr_dap, directory, name)
    facts |= {"recording": name, "hash": recording, "by": f"{socket.gethostname()} {os.getpid()}"}
    problems = []
    for kind in ("events", "requests"):
        command = [rr_dap, "trace", kind, "--json", name]
        with Unfinished(out, kind, f"{recording}.ndjson") as listed:
            status, said = run(command, directory, listed.file)
            # What comes before damage is listed; programs that are no services have no requests.
            if status != 0 and "has no requests" not in said:
                problems.append(said)
            listed.publish()
    with Unfinished(out, "causes", f"{recording}.ndjson") as listed:
        if facts.get("verified") and has_failed(facts):
            cause, said = why(rr_dap, directory, name)
            if cause:
                listed.file.write(json.dumps(cause).encode() + b"\n")
            else:
                problems.append(said)
        listed.publish()
    if problems and facts.get("verified"):
        facts["problem"] = problems[0]
    with Unfinished(out, "verified", done.name) as told:
        told.file.write(json.dumps(facts).encode())
        told.publish()
    return facts


def verify(rr_dap, directory, name):
    """What `rr-dap replay --verify` says, whatever becomes of it."""
    with tempfile.TemporaryFile() as answer:
        status, said = run([rr_dap, "replay", "--verify", "--json", name], directory, answer)
        answer.seek(0)
        told = answer.read()
    try:
        facts = json.loads(told)
    except ValueError:
        facts = {"verified": False, "error": said or f"it ended with status {status}"}
    return facts | {"status": status}


def has_failed(facts):
    """Whether the run did not end well, as far as that can be seen from outside."""
    outcome = facts.get("outcome") or {}
    match outcome.get("how"):
        case "returned":
            return not outcome["what"]["success"]
        case "exited":
            return outcome.get("what") != 0
        case _:
            return True


def why(rr_dap, directory, name):
    """What `rr-dap ask … why` says, cut down to what is counted; or what is wrong."""
    with tempfile.TemporaryFile() as answer:
        _, said = run([rr_dap, "ask", "--json", name, "why"], directory, answer)
        answer.seek(0)
        told = answer.read()
    try:
        found = json.loads(told)["answer"]
        at = found.get("at") or found["end"]
        return {
            "recording": name, "cause": found["cause"], "told": found["told"], "outcome": found["outcome"],
            "position": at["position"], "event": at["event"],
        }, ""
    except (ValueError, KeyError):
        return None, said or "why it failed is not told"


def run(command, directory, output):
    """The exit status of a command, and the last line that it complained with."""
    try:
        ended = subprocess.run(
            command, cwd=directory, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.PIPE, timeout=LONGEST,
        )
    except subprocess.TimeoutExpired:
        return 3, f"it took longer than {LONGEST} s"
    said = ended.stderr.decode(errors="replace").strip().splitlines()
    return ended.returncode, said[-1] if said else ""


def hash_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


class Unfinished:
    """A file that gets its name when it is whole."""

    def __init__(self, out, kind, name):
        (out / kind).mkdir(parents=True, exist_ok=True)
        (out / "unfinished").mkdir(exist_ok=True)
        self.path = out / kind / name
        self.file = tempfile.NamedTemporaryFile(dir=out / "unfinished", delete=False)

    def __enter__(self):
        return self

    def publish(self):
        self.file.flush()
        os.fsync(self.file.fileno())
        os.replace(self.file.name, self.path)

    def __exit__(self, *_):
        self.file.close()
        # Of one that was not published.
        Path(self.file.name).unlink(missing_ok=True)
