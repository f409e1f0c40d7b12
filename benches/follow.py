#!/usr/bin/env python3
"""What a system of real recordings costs: benches/follow.py [PAIRS [BYTES]].

Records PAIRS (5) pairs of the fixture `peer`, each a client that says BYTES (5,000) bytes one by
one over TCP and a server that says them again: twice as many messages in each recording. Then:
how long it takes until it is known who spoke with whom, the first time and afterwards; over DAP,
what `rr/follow` takes between two nodes that were both visited, there and back, at PLACES (40)
messages; and what a step on one of the nodes takes with the others opened beside it, and alone.
RR_DAP is the binary (target/release/rr-dap), FIXTURES where the guest is.
"""
import json
import os
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import steps  # noqa: E402  the session is the same

PROGRAM = steps.PROGRAM
GUEST = os.path.join(os.environ.get("FIXTURES", os.path.join(steps.HERE, "../fixtures")), "peer.wasm")
PLACES = steps.PLACES
STEPS = 5


def record(directory, pairs, count):
    """One pair after the other; the recordings, client and server in turn."""
    text = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=count))
    traces = []
    for pair in range(pairs):
        client, server = (os.path.join(directory, f"{name}{pair}.rrtrace") for name in ("client", "server"))
        options = ["--quiet", "-S", "inherit-network", "-o"]
        listening = subprocess.Popen(
            [PROGRAM, "record", *options, server, GUEST, "listen", "127.0.0.1", "1", "1"],
            stdout=subprocess.PIPE, text=True)
        port = listening.stdout.readline().split()[-1]
        said = f"{pair}{text}"
        subprocess.run([PROGRAM, "record", *options, client, GUEST, "connect", port, "1", said],
                       stdout=subprocess.DEVNULL, check=True, timeout=600)
        listening.wait(60)
        traces += [client, server]
    return traces


def listed(traces, cache):
    began = time.monotonic()
    told = subprocess.run([PROGRAM, "trace", "messages", "--json", *traces], check=True,
                          stdout=subprocess.PIPE, text=True, env=os.environ | {"RR_DAP_CACHE": cache})
    took = time.monotonic() - began
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    return took, [row for row in rows if row["kind"] == "message"]


def open_session(log, traces):
    session = steps.Session(log)
    session.ask("initialize", {"adapterID": "rr-dap"})
    launched = session.tell("launch", {"traces": traces, "stopAt": "entry"})
    session.event("initialized", launched)
    session.ask("configurationDone", {})
    session.event("stopped")
    return session


def told(name, times):
    times = sorted(times)
    at = [times[min(len(times) - 1, int(len(times) * part))] for part in (0.5, 0.9, 0.99)]
    print(f"| {name} | " + " | ".join(f"{ms:.1f}" for ms in [*at, times[-1]]) + " |")


def stepped(session, thread, moments):
    """What steps take at some moments of a node."""
    taken = []
    for moment in moments:
        session.go("evaluate", {"expression": f"seek {moment}", "context": "repl"})
        for _ in range(STEPS):
            taken.append(session.go("next", {"threadId": thread}))
            taken.append(session.go("stepBack", {"threadId": thread}))
    return taken


def main(pairs=5, count=5000):
    os.environ.setdefault("RR_DAP_CACHE", os.path.expanduser("~/.cache/rr-dap"))
    with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryFile("w+") as log:
        traces = record(directory, pairs, count)
        cache = os.environ["RR_DAP_CACHE"]
        first, messages = listed(traces, cache)
        again, _ = listed(traces, cache)
        print(f"{len(traces)} recordings, {len(messages)} messages; listed in {first:.2f} s, "
              f"again in {again:.2f} s\n")
        began = time.monotonic()
        session = open_session(log, traces)
        opened = time.monotonic() - began
        session.ask("rr/messages", {"count": 1})
        print(f"a session opens in {opened:.2f} s, and knows the messages after "
              f"{time.monotonic() - began:.2f} s\n")
        nodes = {node["name"]: node["threadId"] for node in session.ask("rr/system", {})["nodes"]}
        chosen = random.Random(2)
        names = [os.path.splitext(os.path.basename(trace))[0] for trace in traces[:2]]
        mine = [m for m in messages if {m["from"]["node"], m["to"]["node"]} == set(names)]
        for name in names:
            session.go("evaluate", {"expression": f"seek {name}:end", "context": "repl"})
        session.wait_until_idle()
        there, back = [], []
        for message in chosen.sample(mine, min(PLACES, len(mine))):
            sender, event = message["from"]["node"], message["from"]["event"]
            session.go("evaluate", {"expression": f"seek {sender}:{event}", "context": "repl"})
            there.append(session.go("rr/follow", {"direction": "forward"}))
            back.append(session.go("rr/follow", {"direction": "backward"}))
        print("| ms | median | 90 % | 99 % | most |\n| --- | --- | --- | --- | --- |")
        told("`rr/follow`", there)
        told("`rr/follow`, back", back)
        events = [m["from"]["event"] for m in chosen.sample(mine, PLACES)
                  if m["from"]["node"] == names[0]]
        together = stepped(session, nodes[names[0]], [f"{names[0]}:{event}" for event in events])
        session.tell("disconnect", {})
        session.server.wait(10)
        session = open_session(log, traces[:1])
        session.go("rr/seek", {"to": "end"})
        session.wait_until_idle()
        alone = stepped(session, 1, events)
        session.tell("disconnect", {})
        session.server.wait(10)
        told("a step on a node, all beside it", together)
        told("the same, alone", alone)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
