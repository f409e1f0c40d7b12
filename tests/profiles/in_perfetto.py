#!/usr/bin/env python3
"""A profile for Perfetto, read with Perfetto's own package: by its trace processor where that is
there, and by its messages. RR_DAP is the program. Every stack must have the ticks that the folded
stacks of the same recording say."""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent

ROOT = Path(__file__).resolve().parents[2]
RR_DAP = os.environ["RR_DAP"]


def run(*arguments):
    subprocess.run([RR_DAP, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def folded(path):
    lines = (line.rsplit(" ", 1) for line in path.read_text().splitlines())
    return {stack: int(count) for stack, count in lines}


def of_messages(path):
    """Ticks by stack, as nested slices of the guest's thread have them."""
    trace = Trace.FromString(path.read_bytes())
    names, threads, counters = {}, {}, {}
    for packet in trace.packet:
        track = packet.track_descriptor
        if track.HasField("thread"):
            threads[track.uuid] = track.thread.thread_name
        if track.HasField("counter"):
            counters[track.uuid] = track.name
        for name in packet.interned_data.event_names:
            names[name.iid] = name.name
    assert list(threads.values()) == ["guest"], threads
    (guest,) = threads
    stacks, ticks, before = {}, Counter(), {}
    located = 0
    for packet in trace.packet:
        if not packet.HasField("track_event"):
            continue
        event, now = packet.track_event, packet.timestamp
        if event.track_uuid in counters:
            assert event.type == TrackEvent.TYPE_COUNTER and event.counter_value > 0
            continue
        stack = stacks.setdefault(event.track_uuid, [])
        assert now >= before.get(event.track_uuid, 0), "time goes on"
        if event.track_uuid == guest and stack:
            ticks[";".join(stack)] += now - before[guest]
        before[event.track_uuid] = now
        if event.type == TrackEvent.TYPE_SLICE_BEGIN:
            stack.append(names[event.name_iid])
            located += event.HasField("source_location_iid")
        else:
            assert event.type == TrackEvent.TYPE_SLICE_END
            stack.pop()
    assert not any(stacks.values()), "all slices end"
    assert located, "some slices say where they are"
    assert counters, "memory is a counter"
    return {stack: count for stack, count in ticks.items() if count}


def by_trace_processor(path, expected):
    """The ticks of the outermost slices, by SQL."""
    from perfetto.trace_processor import TraceProcessor

    try:
        processor = TraceProcessor(trace=str(path))
    except Exception as error:  # Its program is downloaded, where it can be.
        print(f"the trace processor skipped: {error}".splitlines()[0])
        return
    rows = processor.query(
        "select sum(dur) as ticks from slice join thread_track on slice.track_id = thread_track.id"
        " where depth = 0"
    )
    (row,) = rows
    assert row.ticks == expected, (row.ticks, expected)
    processor.close()


def main():
    for fixture in ["motion/steps-O0.wasm", "motion/inlined-O1.wasm"]:
        with tempfile.TemporaryDirectory() as directory:
            directory = Path(directory)
            recording = directory / "run.rrtrace"
            run("record", "--quiet", "-o", recording, ROOT / "fixtures" / fixture)
            run("replay", "--profile", directory / "run.folded", recording)
            run("replay", "--profile", directory / "run.pftrace", recording)
            expected = folded(directory / "run.folded")
            told = of_messages(directory / "run.pftrace")
            assert told == expected, (fixture, told, expected)
            by_trace_processor(directory / "run.pftrace", sum(expected.values()))
            print(f"{fixture}: {len(told)} stacks, {sum(told.values())} ticks agree")


if __name__ == "__main__":
    sys.exit(main())
