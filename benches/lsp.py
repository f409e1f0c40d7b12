#!/usr/bin/env python3
"""How long the language server takes: benches/lsp.py [RECORDING SOURCE]

Without arguments, of a program of 10,000 lines that it generates, with the C compiler that CC
names (`zig cc -target wasm32-wasi`, or clang with wasi-libc's sysroot). Prints how long the
recording takes to be opened, counted and profiled, and then, of ROUNDS (20) times each, the
median and the most of: lenses and hints of the whole source, a hover on a line without a
variable, one on a variable, references, and where a lens leads. RR_DAP is the binary
(target/release/rr-dap).
"""
import json
import os
import queue
import shlex
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.environ.get("RR_DAP", os.path.join(HERE, "../target/release/rr-dap"))
ROUNDS = int(os.environ.get("ROUNDS", "20"))
FUNCTIONS = 1000
CAN_REFRESH = {"refreshSupport": True}


def generated():
    """A program of ten lines for each of its functions, each of which calls the one before."""
    lines = ["#include <stdio.h>", "static int f0(int n) { return n; }"]
    for i in range(1, FUNCTIONS + 1):
        lines += [
            f"static int f{i}(int n) {{",
            f"  int sum = {i};",
            "  for (int k = 0; k < 3; k++) {",
            "    sum += k * n;",
            "    if (sum % 7 == 0)",
            "      sum -= n;",
            "  }",
            f"  sum += f{max(0, i - 1 - i % 3)}(sum % 100);",
            "  return sum;",
            "}",
        ]
    lines.append("int main(void) { printf(\"%d\\n\", f" + f"{FUNCTIONS}(3)); return 0; }}")
    return "\n".join(lines) + "\n"


def recorded(directory):
    source, program = os.path.join(directory, "long.c"), os.path.join(directory, "long.wasm")
    with open(source, "w") as file:
        file.write(generated())
    compiler = os.environ.get("CC")
    if not compiler:
        sys.exit("CC names no compiler for wasm32-wasi")
    subprocess.run([*shlex.split(compiler), "-g", "-O0", source, "-o", program], check=True)
    recording = os.path.join(directory, "long.rrtrace")
    subprocess.run([PROGRAM, "record", "--quiet", "--force", "-o", recording, program], check=True, stdout=subprocess.DEVNULL)
    return recording, source


class Server:
    """`rr-dap lsp`, spoken to as an editor does."""

    def __init__(self, recording, folder):
        self.server = subprocess.Popen([PROGRAM, "lsp", recording], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.last, self.answers, self.refreshes = 0, queue.Queue(), queue.Queue()
        threading.Thread(target=self.listen, daemon=True).start()
        self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {
            "workspace": {"codeLens": CAN_REFRESH, "inlayHint": CAN_REFRESH}}})
        self.tell("initialized", {})

    def listen(self):
        while True:
            length = 0
            while (line := self.server.stdout.readline()) != b"\r\n":
                if not line:
                    return
                length = int(line.split(b":")[1])
            message = json.loads(self.server.stdout.read(length))
            if message.get("method") == "workspace/codeLens/refresh":
                self.refreshes.put(time.perf_counter())
            elif "method" not in message:
                self.answers.put(message)

    def write(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.server.stdin.flush()

    def tell(self, method, params):
        self.write({"method": method, "params": params})

    def ask(self, method, params):
        self.last += 1
        self.write({"id": self.last, "method": method, "params": params})
        answer = self.answers.get(timeout=600)
        if "error" in answer:
            sys.exit(f"{method}: {answer['error']['message']}")
        return answer["result"]


def measured(what, ask):
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answer = ask()
        took.append(1000 * (time.perf_counter() - began))
    found = len(answer) if isinstance(answer, list) else "" if answer else "nothing"
    print(f"{what:<24} {statistics.median(took):8.1f} ms, at most {max(took):.1f} ms  {found}")


def main():
    with tempfile.TemporaryDirectory() as directory:
        recording, source = sys.argv[1:3] if len(sys.argv) > 2 else recorded(directory)
        source = os.path.realpath(source)
        with open(source, encoding="utf-8", errors="replace") as file:
            text = file.read()
        lines = text.split("\n")
        began = time.perf_counter()
        server = Server(recording, os.path.dirname(source))
        document = {"uri": f"file://{source}"}
        server.tell("textDocument/didOpen", {"textDocument": {**document, "languageId": "c", "version": 1, "text": text}})
        for what in ("counted", "profiled"):
            print(f"{what:<24} {1000 * (server.refreshes.get(timeout=600) - began):8.1f} ms after the start")
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": len(lines), "character": 0}}
        print(f"{source}: {len(lines)} lines")
        lenses = server.ask("textDocument/codeLens", {"textDocument": document})
        hints = server.ask("textDocument/inlayHint", {"textDocument": document, "range": whole})
        if not lenses or not hints:
            sys.exit("nothing of this source ran")
        measured("lenses", lambda: server.ask("textDocument/codeLens", {"textDocument": document}))
        measured("hints", lambda: server.ask("textDocument/inlayHint", {"textDocument": document, "range": whole}))
        ran = [hint["position"]["line"] for hint in hints]
        middle = ran[len(ran) // 2]
        at = lambda line, column: {"textDocument": document, "position": {"line": line, "character": column}}
        measured("hover on a line", lambda: server.ask("textDocument/hover", at(middle, 0)))
        sums = [line for line in ran if "sum +=" in lines[line]]
        if sums:
            variable = at(sums[len(sums) // 2], lines[sums[len(sums) // 2]].index("sum"))
            measured("hover on a variable", lambda: server.ask("textDocument/hover", variable))
            measured("references", lambda: server.ask("textDocument/references", {**variable, "context": {"includeDeclaration": False}}))
        leading = [lens["command"]["arguments"][0] for lens in lenses if lens["command"].get("arguments")]
        measured("where a lens leads", lambda: server.ask("rr/find", leading[len(leading) // 2]))
        server.ask("shutdown", None)
        server.tell("exit", None)


main()
