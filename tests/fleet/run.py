#!/usr/bin/env python3
"""Whether examples/fleet does what docs/fleet.md says: some dozen small recordings are verified by
processes of which one is killed in the middle, and asked questions.

    RR_DAP=target/debug/rr-dap tests/fleet/run.py

Needs what examples/fleet/requirements.txt names."""

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FLEET = ROOT / "examples/fleet"
RR_DAP = str(Path(os.environ.get("RR_DAP", ROOT / "target/debug/rr-dap")).resolve())
sys.path.insert(0, str(FLEET))
# For the workers.
os.environ["PYTHONPATH"] = os.pathsep.join([str(FLEET), os.environ.get("PYTHONPATH", "")])

TARGETS = ["/hello", "/headers", "/status/503", "/slow?ms=60", "/large?bytes=20000", "/status/404", "/trap?place=3"]
ROUNDS = 5
# Nothing here takes so long; a test must not hang.
LIMIT = 240


def serve(directory):
    """Recordings of a service, one for each request."""
    command = [RR_DAP, "serve", "--addr", "127.0.0.1:0", "-o", str(directory / "east"), str(ROOT / "fixtures/answer.wasm")]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        address = server.stderr.readline().split("http://")[1].strip().rstrip("/")
        for target in TARGETS * ROUNDS:
            connection = http.client.HTTPConnection(address, timeout=30)
            connection.request("GET", target)
            try:
                connection.getresponse().read()
            finally:
                connection.close()
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)


def record(directory):
    """A recording that is no service's, and one that is damaged in the middle."""
    (directory / "west").mkdir()
    returned = directory / "west/returned.rrtrace"
    command = [RR_DAP, "record", "--quiet", "--invoke", "run()", "-o", str(returned), str(ROOT / "fixtures/wat/nested.wat")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    whole = returned.read_bytes()
    (directory / "west/damaged.rrtrace").write_bytes(whole[:40] + bytes([whole[40] ^ 0xFF]) + whole[41:])


def published(out):
    return {path.stem: path.stat().st_ino for path in (out / "verified").glob("*.json")}


def verify_and_kill(directory, out):
    """What verify.py does on two processes, one of which is killed when some are done."""
    import recordings
    import verify
    from dask.distributed import Client, LocalCluster

    names = recordings.find(directory)
    found, killed, first_seen = [], [], {}
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    with cluster, Client(cluster) as dask:
        pids = list(dask.run(os.getpid).values())
        assert len(set(pids) | {os.getpid()}) == 3, "workers are processes of their own"
        for facts in verify.on_dask(dask, RR_DAP, directory, names, out):
            found.append(facts)
            if len(found) == 5:
                first_seen = published(out)
                os.kill(pids[0], signal.SIGKILL)
                killed.append(pids[0])
    assert killed and len(found) < len(names) + 1
    return names, found, killed, first_seen


def check_verified(directory, out):
    names, found, killed, first_seen = verify_and_kill(directory, out)
    told = sorted(facts["recording"] for facts in found)
    assert told == sorted(names), "each recording is told once"
    assert len(names) == len(TARGETS) * ROUNDS + 2, names
    results = [json.loads(path.read_text()) for path in (out / "verified").glob("*.json")]
    assert sorted(result["recording"] for result in results) == sorted(names), "and has one result"
    wrong = {facts["recording"]: facts for facts in found if not facts["verified"]}
    assert list(wrong) == ["west/damaged.rrtrace"], wrong
    assert wrong["west/damaged.rrtrace"]["status"] == 3, wrong
    # What was done when the process was killed has not been done again.
    now = published(out)
    assert all(now[name] == inode for name, inode in first_seen.items())
    by = {int(result["by"].split()[1]) for result in results}
    assert by - set(killed), "others have done the rest"

    # Once more, as a job runner does it: nothing is left to be done.
    for part in ("0/2", "1/2"):
        command = [sys.executable, FLEET / "verify.py", "--rr-dap", RR_DAP, "--slice", part, directory, out]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
        assert ended.returncode == ("damaged" in ended.stderr), (part, ended)
    assert published(out) == now
    return found


def check_questions(out):
    import ask

    questions = sorted((FLEET / "questions").glob("*.sql"))
    answers = {}
    for question, answer in ask.ask_duckdb(out, questions):
        rows = answer.fetchall()
        answers[question.stem] = [dict(zip(answer.columns, row)) for row in rows]
    assert len(answers) == len(questions) > 4

    failed = answers["failed-requests"]
    targets = {row["target"] for row in failed}
    assert targets == {"/status/503", "/trap?place=3"}, targets
    assert {row["status"] for row in failed} == {500, 503}, failed
    last = [row["name"] for row in failed if row["target"] == "/status/503" and row["before_end"] <= 5]
    assert any("outgoing-body.finish" in name for name in last), last
    assert len({row["recording"] for row in failed}) == 2 * ROUNDS

    rates = answers["error-rate"]
    assert sum(row["requests"] for row in rates) == len(TARGETS) * ROUNDS, rates
    assert sum(row["failed"] for row in rates) == 2 * ROUNDS, rates
    slowest = answers["slowest-interfaces"][0]
    assert slowest["interface"] == "wasi:io/poll" and slowest["longest_ms"] >= 60, slowest
    slow = answers["slow-targets"][0]
    assert slow["path"] == "/slow" and slow["p50_ms"] >= 60, slow
    # Each trap is of the same place in the same handler.
    [cause] = answers["causes"]
    assert cause["recordings"] == ROUNDS and cause["cause"] and cause["told"], cause
    wrong = answers["not-verified"]
    assert [row["recording"] for row in wrong] == ["west/damaged.rrtrace"] and wrong[0]["error"], wrong

    with tempfile.TemporaryDirectory() as parquet:
        ask.write_parquet(out, parquet)
        import duckdb

        [(count,)] = duckdb.sql(f"SELECT count(*) FROM '{parquet}/events.parquet'").fetchall()
        assert count == sum(1 for path in (out / "events").iterdir() for _ in path.open()) > 100


def check_stream(directory):
    """One command over all of them tells the same hostcalls, and that one is damaged."""
    ended = subprocess.run([RR_DAP, "trace", "events", "--json", directory], capture_output=True, text=True, timeout=LIMIT)
    assert ended.returncode == 1, ended.returncode
    complaints = ended.stderr.strip().splitlines()
    assert len(complaints) == 1 and "damaged.rrtrace" in complaints[0], complaints
    names = {json.loads(line)["recording"] for line in ended.stdout.splitlines()}
    assert len(names) >= len(TARGETS) * ROUNDS and all(name.startswith("east/") or name == "west/returned.rrtrace" for name in names)


def main():
    # Whatever hangs.
    watch = threading.Timer(LIMIT, lambda: os._exit(1))
    watch.daemon = True
    watch.start()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        directory, out = Path(folder) / "recordings", Path(folder) / "out"
        directory.mkdir()
        serve(directory)
        record(directory)
        check_stream(directory)
        found = check_verified(directory, out)
        check_questions(out)
    print(f"{len(found)} recordings verified, one process killed, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
