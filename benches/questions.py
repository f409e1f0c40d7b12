#!/usr/bin/env python3
"""What questions about a whole recording cost: benches/questions.py RECORDING QUESTION...

A plain replay of the recording first (`rr-dap replay`, as a process, the median of ROUNDS, 5). Then,
over DAP, in a session where the work in the background is done: each question by `rr/ask`, twice, in
its order; a question that begins with `@MOMENT ` is asked there. Then the same questions by
`rr-dap ask`, each in a process of its own, where code is compiled already. At last
`rr-dap replay --profile`. Prints seconds, and ratios to the plain replay. RR_DAP is the binary
(target/release/rr-dap).
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from steps import PROGRAM, Session

ROUNDS = int(os.environ.get("ROUNDS", "5"))


def seconds(command):
    began = time.monotonic()
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - began


def median(command):
    return statistics.median(seconds(command) for _ in range(ROUNDS))


def moment_in(question):
    if not question.startswith("@"):
        return "end", question
    moment, question = question[1:].split(" ", 1)
    return moment, question


def in_session(recording, questions):
    with tempfile.TemporaryFile("w+") as log:
        session = Session(log)
        session.open(os.path.abspath(recording))
        for asked in questions:
            moment, question = moment_in(asked)
            # By the console, which takes whatever `seek` takes.
            request = session.tell("evaluate", {"expression": f"seek {moment}", "context": "repl"})
            session.event("stopped", request)
            taken = []
            for _ in range(2):
                began = time.monotonic()
                session.ask("rr/ask", {"question": question})
                taken.append(time.monotonic() - began)
            yield asked, taken
        session.tell("disconnect", {})
        session.server.wait(10)


def main():
    recording, questions = sys.argv[1], sys.argv[2:]
    # Once, so that everything is compiled.
    seconds([PROGRAM, "replay", recording])
    for asked in questions:
        moment, question = moment_in(asked)
        seconds([PROGRAM, "ask", "--at", moment, recording, question])
    plain = median([PROGRAM, "replay", recording])
    print(f"\n{os.path.basename(recording)}: a plain replay takes {plain:.2f} s\n")
    print("| question | in a session, first | again | rr-dap ask | of plain |")
    print("| --- | --- | --- | --- | --- |")
    for asked, (first, again) in in_session(recording, questions):
        moment, question = moment_in(asked)
        at = ["--at", moment] if asked.startswith("@") else []
        alone = median([PROGRAM, "ask", *at, recording, question])
        print(f"| `{question}` | {first:.2f} s | {again:.2f} s | {alone:.2f} s | {alone / plain:.2f} |", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        for extension in ("folded", "json"):
            out = os.path.join(directory, f"profile.{extension}")
            command = [PROGRAM, "replay", "--profile", out, recording]
            seconds(command)
            took = median(command)
            print(f"| `replay --profile …{extension}` | | | {took:.2f} s | {took / plain:.2f} |", flush=True)


if __name__ == "__main__":
    main()
