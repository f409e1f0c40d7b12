#!/usr/bin/env python3
"""What a step costs anywhere: benches/steps.py RECORDING...

Over DAP, when the work in the background is done: at PLACES (40) random places, the same
each time, `rr/seek` by percent, then five times `next` and `stepBack`. Prints for each
request the median, the 90th and 99th percentile and the most, and the slowest with their
places. With COSTS=1 also where the time goes: how many processes were copied, how many
runs there were, how many breakpoints they had set, and at how many moments they stopped.
RR_DAP is the binary (target/release/rr-dap).
"""
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.environ.get("RR_DAP", os.path.join(HERE, "../target/release/rr-dap"))
PLACES = int(os.environ.get("PLACES", "40"))
COSTS = os.environ.get("COSTS") == "1"
THREAD = {"threadId": 1}


class Session:
    """A server, spoken to as an editor does."""

    def __init__(self, log):
        level = "rr_dap::timeline=debug" if COSTS else "warn"
        self.server = subprocess.Popen(
            [PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            env=os.environ | {"RR_DAP_LOG": level}, start_new_session=True)
        self.last = 0

    def tell(self, command, arguments):
        self.last += 1
        body = json.dumps({"seq": self.last, "type": "request", "command": command,
                           "arguments": arguments}).encode()
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.server.stdin.flush()
        return self.last

    def hear(self):
        length = 0
        while line := self.server.stdout.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if not length:
            sys.exit("the server has ended")
        return json.loads(self.server.stdout.read(length))

    def event(self, name, request=None):
        while True:
            message = self.hear()
            if message["type"] == "event" and message["event"] == name:
                return
            if message["type"] == "response" and message["request_seq"] == request:
                if not message["success"]:
                    sys.exit(f"{message['command']}: {message.get('message')}")

    def ask(self, command, arguments):
        request = self.tell(command, arguments)
        while True:
            message = self.hear()
            if message["type"] == "response" and message["request_seq"] == request:
                if not message["success"]:
                    sys.exit(f"{command}: {message.get('message')}")
                return message.get("body")

    def go(self, command, arguments):
        """From the request to the stop, in ms."""
        began = time.monotonic()
        self.event("stopped", self.tell(command, arguments))
        return (time.monotonic() - began) * 1e3

    def open(self, recording):
        self.ask("initialize", {"adapterID": "rr-dap"})
        launched = self.tell("launch", {"trace": recording, "stopOnEntry": True})
        self.event("initialized", launched)
        self.ask("configurationDone", {})
        self.event("stopped")
        self.go("rr/seek", {"to": "end"})
        self.wait_until_idle()

    def wait_until_idle(self):
        """Until nothing of the server's session uses the processor any more."""
        before, idle = self.used(), 0
        while idle < 4:
            time.sleep(0.5)
            now = self.used()
            idle = idle + 1 if now - before <= 2 else 0
            before = now

    def used(self):
        ticks = 0
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat") as stat:
                    fields = stat.read().rpartition(") ")[2].split()
            except OSError:
                continue
            if int(fields[3]) == self.server.pid:
                ticks += int(fields[11]) + int(fields[12])
        return ticks

    def where(self):
        frames = self.ask("stackTrace", THREAD | {"levels": 1})["stackFrames"]
        return f"{frames[0]['name']}:{frames[0].get('line')}" if frames else "-"


def measure(recording):
    with tempfile.TemporaryFile("w+") as log:
        session = Session(log)
        session.open(os.path.abspath(recording))
        moment = session.ask("rr/when", {})["moment"]
        taken = {"rr/seek": [], "next": [], "stepBack": []}
        costs = {command: [] for command in taken}
        chosen = random.Random(1)

        def timed(command, arguments):
            before = session.where()
            log.seek(0, os.SEEK_END)
            from_byte = log.tell()
            ms = session.go(command, arguments)
            taken[command].append((ms, before, session.where()))
            if COSTS:
                log.seek(from_byte)
                costs[command].append(cost_in(log.read()))

        for _ in range(PLACES):
            timed("rr/seek", {"percent": chosen.random() * 100})
            for _ in range(5):
                timed("next", THREAD)
                timed("stepBack", THREAD)
        session.tell("disconnect", {})
        session.server.wait(10)
    print(f"\n{os.path.basename(recording)}, {moment['tick']} ticks\n")
    print("| request | median ms | 90 % | 99 % | most | slowest |")
    print("| --- | --- | --- | --- | --- | --- |")
    for command, times in taken.items():
        times.sort()
        at = [times[min(len(times) - 1, int(len(times) * part))][0] for part in (0.5, 0.9, 0.99)]
        most, before, after = times[-1]
        shown = " | ".join(f"{ms:.1f}" for ms in [*at, most])
        print(f"| {command} | {shown} | {before} to {after} |")
    if COSTS:
        print("\n| request, in the mean | copies | runs | breakpoints set | moments | ms in runs back |")
        print("| --- | --- | --- | --- | --- | --- |")
        for command, each in costs.items():
            means = [sum(of) / len(each) for of in zip(*each)]
            print(f"| {command} | " + " | ".join(f"{mean:.1f}" for mean in means) + " |")


def cost_in(log):
    """What a log tells of a motion: copies, runs, breakpoints, moments, ms in runs back
    (and to places)."""
    copies = log.count(" copied ")
    runs = [milliseconds(*found) for found in re.findall(r"run from .* took=([\d.]+)(\S+)", log)]
    ends = re.findall(r"ran to .* moments=(\d+) breakpoints=(\d+)", log)
    moments, breakpoints = (sum(int(end[i]) for end in ends) for i in (0, 1))
    return copies, len(ends), breakpoints, moments, sum(runs)


def milliseconds(number, unit):
    return float(number) * {"s": 1e3, "ms": 1.0, "µs": 1e-3, "ns": 1e-6}[unit]


if __name__ == "__main__":
    for each in sys.argv[1:] or sys.exit(__doc__):
        measure(each)
