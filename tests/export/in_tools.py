#!/usr/bin/env python3
"""What recordings said, exported, and read by the tools that the formats are for: tshark, and
Perfetto's own package. RR_DAP is the program. What they show must be what `trace messages` says."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RR_DAP = os.environ["RR_DAP"]
FIXTURES = ROOT / "fixtures"
# What the client asks: path and body, and the status and the answer that come of it.
ASKED = [
    ("/echo", "hello there", 200, "hello there"),
    ("/echo", "x" * 4000, 200, "x" * 4000),
    ("/status/503", None, 503, "status 503"),
    ("/hello", None, 200, "hello"),
]
# Packets with which something is wrong.
WRONG = " || ".join(
    [
        "_ws.malformed",
        "_ws.expert.severity >= warning",
        *(f"{of}.checksum.status == 0" for of in ("ip", "tcp", "udp")),
    ]
)


def run(*arguments, **options):
    options.setdefault("stdout", subprocess.DEVNULL)
    return subprocess.run([RR_DAP, *map(str, arguments)], stderr=subprocess.PIPE, **options)


def record(directory):
    """A service and its clients, each recorded by a process of its own."""
    served = directory / "served"
    server = subprocess.Popen(
        [RR_DAP, "serve", "--addr", "127.0.0.1:0", "-S", "cli", "-o", served, FIXTURES / "answer.wasm"],
        stderr=subprocess.PIPE,
        text=True,
    )
    line = server.stderr.readline()
    address = re.search(r"http://([\d.:]+)/", line)[1]
    for number, (path, body, _, _) in enumerate(ASKED):
        arguments = [address, path] + ([body] if body else [])
        trace = directory / f"client-{number}.rrtrace"
        run("record", "--quiet", "-S", "http", "-o", trace, FIXTURES / "fetch.wasm", *arguments)
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=60)
    return sorted(directory.glob("client-*.rrtrace")) + [served]


def exported(traces, format, path):
    run("trace", "export", *traces, "--format", format, "-o", path, check=True)
    return path


def messages(traces):
    done = run("trace", "messages", "--json", *traces, stdout=subprocess.PIPE, check=True)
    lines = (json.loads(line) for line in done.stdout.decode().splitlines())
    return [line for line in lines if line["kind"] == "message"]


def tshark(path, *arguments):
    command = [
        "tshark", "-r", path, "-n",
        "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
        *arguments,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


def in_tshark(traces, told, directory):
    path = exported(traces, "pcapng", directory / "all.pcapng")
    fields = ["tcp.stream", "http.request.method", "http.request.uri", "http.response.code", "http.file_data"]
    arguments = [argument for field in fields for argument in ("-e", field)]
    found = {}
    for line in tshark(path, "-Y", "http", "-T", "fields", *arguments).splitlines():
        stream, method, uri, status, data = line.split("\t")
        found.setdefault(stream, []).append((method, uri, status, data))
    expected = [
        [("POST" if body else "GET", path, "", text(body)), ("", "", str(status), text(answer))]
        for path, body, status, answer in ASKED
    ]
    # What tshark shows of bytes differs by its version: as text, or in hexadecimal digits.
    for exchange in found.values():
        for at, (method, uri, status, data) in enumerate(exchange):
            exchange[at] = (method, uri, status, text(data))
    assert sorted(found.values()) == sorted(expected), (found, expected)
    heads = Counter(message["said"] for message in told if message["what"] in ("request", "response"))
    shown = Counter(
        f"{method} {uri}" if method else status
        for exchange in found.values()
        for method, uri, status, _ in exchange
    )
    assert shown == heads, (shown, heads)
    assert not tshark(path, "-Y", WRONG), tshark(path, "-Y", WRONG)
    assert tshark(path, "-Y", "tcp.checksum.status == 1"), "checksums are checked"
    # Each conversation is in it once, with its beginning and its end.
    assert len(tshark(path, "-Y", "tcp.flags.syn == 1 && tcp.flags.ack == 0").splitlines()) == len(ASKED)
    assert len(tshark(path, "-Y", "tcp.flags.fin == 1").splitlines()) == 2 * len(ASKED)
    names = set(tshark(path, "-T", "fields", "-e", "frame.interface_name").split())
    assert names == {message[end]["node"] for message in told for end in ("from", "to")}, names
    print(f"tshark shows {len(found)} streams with a request and an answer each, and nothing wrong")
    # One end alone is a conversation all the same.
    for number, trace in enumerate(traces):
        path = exported([trace], "pcapng", directory / f"alone-{number}.pcapng")
        assert not tshark(path, "-Y", WRONG), tshark(path, "-Y", WRONG)
        shown = tshark(path, "-Y", "http.request", "-T", "fields", "-e", "http.request.uri").split()
        wanted = [path for path, *_ in ASKED] if trace.is_dir() else [ASKED[number][0]]
        assert sorted(shown) == sorted(wanted), (shown, wanted)


def peer(kind):
    """Somebody whom nobody records: sends back what comes. Where it is, and its thread."""
    stream = kind == "tcp"
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
    listener.bind(("127.0.0.1", 0))

    def serve():
        if stream:
            listener.listen()
            connection, _ = listener.accept()
            with connection:
                connection.sendall(connection.recv(1000).upper())
        else:
            data, whose = listener.recvfrom(1000)
            listener.sendto(data.upper(), whose)

    if stream:
        listener.listen()
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return listener.getsockname()[1], thread


def sockets_in_tshark(directory):
    for kind in ("tcp", "udp"):
        port, thread = peer(kind)
        trace = directory / f"{kind}.rrtrace"
        arguments = [FIXTURES / "sockets.wasm", kind, port, "some words"]
        run("record", "--quiet", "-S", "inherit-network", "-o", trace, *arguments, check=True)
        thread.join(timeout=60)
        path = exported([trace], "pcapng", directory / f"{kind}.pcapng")
        assert not tshark(path, "-Y", WRONG), tshark(path, "-Y", WRONG)
        fields = ["-e", f"{kind}.dstport", "-e", f"{kind}.srcport", "-e", f"{kind}.payload"]
        rows = [row.split("\t") for row in tshark(path, "-T", "fields", *fields).splitlines()]
        there = "".join(payload for to, _, payload in rows if to == str(port))
        back = "".join(payload for _, by, payload in rows if by == str(port))
        assert (text(there), text(back)) == ("some words", "SOME WORDS"), rows
        print(f"tshark shows what went over {kind}")


def text(data):
    if not data:
        return ""
    return bytes.fromhex(data).decode() if re.fullmatch(r"(?:[0-9a-f]{2})+", data) else data


def in_perfetto(traces, told, directory):
    from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent

    path = exported(traces, "perfetto", directory / "all.pftrace")
    trace = Trace.FromString(path.read_bytes())
    names, processes, tracks = {}, {}, {}
    for packet in trace.packet:
        track = packet.track_descriptor
        if track.HasField("process"):
            processes[track.uuid] = track.process.process_name
        elif track.HasField("uuid"):
            tracks[track.uuid] = (processes[track.parent_uuid], track.name)
        for name in packet.interned_data.event_names:
            names[name.iid] = name.name
    open_slices, slices, flows = Counter(), Counter(), {}
    for packet in trace.packet:
        if not packet.HasField("track_event"):
            continue
        event = packet.track_event
        if event.type == TrackEvent.TYPE_SLICE_BEGIN:
            slices[tracks[event.track_uuid]] += 1
            open_slices[event.track_uuid] += 1
        elif event.type == TrackEvent.TYPE_SLICE_END:
            open_slices[event.track_uuid] -= 1
            assert open_slices[event.track_uuid] >= 0
        else:
            assert event.type == TrackEvent.TYPE_INSTANT
            (flow,) = event.flow_ids
            flows.setdefault(flow, []).append((packet.timestamp, tracks[event.track_uuid][0]))
    assert not any(open_slices.values()), "all slices end"
    assert len(flows) == len(told), (len(flows), len(told))
    for ends in flows.values():
        assert len(ends) == 2 and ends[0][0] <= ends[1][0], ends
    ways = Counter((ends[0][1], ends[1][1]) for ends in flows.values())
    assert ways == Counter((m["from"]["node"], m["to"]["node"]) for m in told), ways
    for trace_path in (path for each in traces for path in (sorted(each.glob("*.rrtrace")) if each.is_dir() else [each])):
        listed = run("trace", "events", "--json", trace_path, stdout=subprocess.PIPE, check=True)
        count = len(listed.stdout.splitlines())
        assert count in [of for (_, name), of in slices.items() if name == "hostcalls"], (trace_path, count)
    requests = sum(of for (_, name), of in slices.items() if name == "requests")
    assert requests == len(ASKED), slices
    print(f"{len(processes)} processes, {sum(slices.values())} slices and {len(flows)} flows agree")
    by_trace_processor(path, sum(slices.values()) + 2 * len(flows), len(told))


def by_trace_processor(path, slices, flows):
    from perfetto.trace_processor import TraceProcessor

    try:
        processor = TraceProcessor(trace=str(path))
    except Exception as error:  # Its program is downloaded, where it can be.
        print(f"the trace processor skipped: {error}".splitlines()[0])
        return
    for table, expected in (("slice", slices), ("flow", flows)):
        (row,) = processor.query(f"select count(*) as count from {table}")
        assert row.count == expected, (table, row.count, expected)
    (row,) = processor.query("select count(*) as count from slice where dur < 0")
    assert row.count == 0, "all slices end"
    processor.close()


def main():
    with tempfile.TemporaryDirectory() as directory:
        directory = Path(directory)
        traces = record(directory)
        told = messages(traces)
        assert len(told) >= 2 * len(ASKED), told
        if shutil.which("tshark"):
            in_tshark(traces, told, directory)
            sockets_in_tshark(directory)
        else:
            print("tshark skipped: it is not here and cannot be installed")
        try:
            import perfetto, google.protobuf
        except ImportError:
            print("Perfetto skipped: its package is not here and cannot be installed")
        else:
            in_perfetto(traces, told, directory)


if __name__ == "__main__":
    sys.exit(main())
