#!/usr/bin/env python3
"""Verifies a directory of recordings and lists what is in them, on many processes or machines.

    verify.py DIR OUT                              # as many workers as this machine has processors
    verify.py --scheduler tcp://HOST:8786 DIR OUT  # on a cluster of Dask; all see DIR and OUT
    verify.py --slice 3/100 DIR OUT                # one part of a hundred, without Dask: for a job
                                                   # runner that starts this a hundred times

Exits with 0 if replay agrees with all of them, with 1 if not. OUT can be asked with ask.py."""

import argparse
import json
import os
import shutil
import sys
from itertools import islice
from pathlib import Path

import recordings

# Recordings that wait at each process, so that none is idle.
AT_ONCE = 4


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rr-dap", default=os.environ.get("RR_DAP", "rr-dap"), help="the program, on all machines")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--scheduler", help="the address of a Dask scheduler")
    where.add_argument("--workers", type=int, default=os.cpu_count(), help="processes on this machine")
    where.add_argument("--slice", help="I/N: every N-th recording, beginning with the I-th, from 0")
    parser.add_argument("dir", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    directory, out = given.dir.resolve(), given.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    names = recordings.find(directory)
    if not names:
        parser.error(f"there are no recordings (*.rrtrace) in {directory}")
    if given.slice:
        first, of = (int(number) for number in given.slice.split("/"))
        found = (recordings.work(given.rr_dap, directory, name, out) for name in names[first::of])
        return report(found)
    with client(given) as dask:
        code = report(on_dask(dask, given.rr_dap, directory, names, out))
    # What killed workers have left.
    shutil.rmtree(out / "unfinished", ignore_errors=True)
    return code


def client(given):
    from dask.distributed import Client, LocalCluster

    if given.scheduler:
        dask = Client(given.scheduler)
        # Workers have not got this file's neighbour.
        dask.upload_file(recordings.__file__)
        return dask
    return Client(LocalCluster(n_workers=given.workers, threads_per_worker=1, dashboard_address=None))


def on_dask(dask, rr_dap, directory, names, out):
    """Facts of all recordings, in the order in which they become known. Dask gives what a lost
    worker had to another one; a recording that has lost several is told as not replayed."""
    from dask.distributed import as_completed

    rest = iter(names)
    threads = sum(dask.nthreads().values()) or 1

    names_of = {}

    def submit(name):
        future = dask.submit(recordings.work, rr_dap, str(directory), name, str(out), pure=False)
        names_of[future.key] = name
        return future

    # Not all at once: a million tasks would be a million entries in the scheduler.
    first = [submit(name) for name in islice(rest, threads * AT_ONCE)]
    underway = as_completed(first)
    for future in underway:
        name = names_of.pop(future.key)
        error = future.exception()
        if error is None:
            yield future.result()
        else:
            yield {"recording": name, "verified": False, "status": 3, "error": f"{type(error).__name__}: {error}"}
        for name in islice(rest, 1):
            underway.add(submit(name))


def report(found):
    counts = {"verified": 0, "differ": 0, "not replayed": 0}
    for facts in found:
        kind = "verified" if facts["verified"] else "differ" if facts["status"] == 1 else "not replayed"
        counts[kind] += 1
        if kind != "verified":
            why = facts.get("error") or f"replay differs at event {facts['divergence']['event']}"
            print(f"{facts['recording']}: {why}", file=sys.stderr)
    print(json.dumps(counts))
    return 0 if counts["verified"] == sum(counts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
