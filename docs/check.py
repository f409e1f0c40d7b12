#!/usr/bin/env python3
"""Checks the user guide against the program.

    RR_DAP=target/debug/rr-dap docs/check.py [PAGE…]

Runs every command of the guide's `console` blocks, in a directory with the fixtures, and
everything that `debugger` blocks say is typed or clicked; compares what comes with what is
written, where `…` stands for anything. Compares the tables of keys, options, console
commands, filters and requests with the source and the program, error messages and what
CONTRIBUTING.md quotes with the source, and looks for links that lead nowhere."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
RR_DAP = Path(os.environ.get("RR_DAP", ROOT / "target/debug/rr-dap")).resolve()
FIXTURES = ["ledger.wasm", "ledger.c", "ledger.csv", "library.wasm"]
# The worked example of systems.
FIXTURES += ["recordings/stock.rrtrace", "recordings/till.rrtrace", "stock.c", "till.c", "shop.rrsystem"]
# That of asynchronous programs.
FIXTURES += ["wat/deadlock.wat", "motion/threads.wat", "motion/shared-set.wat"]
# Keys that are the clients' own.
CLIENT_KEYS = {
    "name", "type", "request", "connect", "host", "port", "socket", "debugServer", "preLaunchTask",
}
# How long anything may take before it counts as hanging.
PATIENCE = 180

problems = []


def problem(where, what):
    problems.append(f"{where}: {what}")


# Pages


class Block:
    """A fenced block of a page."""

    def __init__(self, page, line, info, text):
        self.page, self.line, self.info, self.text = page, line, info, text

    def where(self, offset=0):
        return f"{self.page.name}:{self.line + 1 + offset}"


def blocks(page):
    found, fence = [], None
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if fence is None:
            opened = re.fullmatch(r"```(\S*)", line)
            if opened:
                fence = Block(page, number, opened[1], [])
        elif line == "```":
            found.append(fence)
            fence = None
        else:
            fence.text.append(line)
    if fence:
        problem(fence.where(), "the block does not end")
    return found


def exchanges(block, is_input):
    """Pairs of an input line and the lines expected after it."""
    pairs = []
    for offset, line in enumerate(block.text):
        if is_input(line):
            pairs.append((offset, line, []))
        elif pairs:
            pairs[-1][2].append(line)
        elif line.strip():
            problem(block.where(offset), "output before any input")
    return pairs


def fits(expected, found):
    text = "\n".join(expected).strip("\n")
    parts = [re.escape(part) for part in text.split("…")]
    return re.fullmatch(".*?".join(parts), found.strip("\n"), re.S) is not None


def compare(where, said, expected, found):
    if not fits(expected, found):
        indent = "\n    "
        problem(
            where,
            f"`{said}` answers{indent}{indent.join(found.strip().splitlines())}\n  not{indent}"
            + indent.join(expected),
        )


# The console


def run_console(block, directory):
    environment = dict(os.environ, PATH=f"{directory}/.bin:{os.environ['PATH']}", LC_ALL="C.UTF-8")
    for offset, line, expected in exchanges(block, lambda line: line.startswith("$ ")):
        command = line[2:].split(" # ")[0]
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
        )
        compare(block.where(offset), command, expected, done.stdout.decode(errors="replace"))


# The debugger


class Debugger:
    """A session with the server: what is typed into the console, and buttons."""

    BUTTONS = {
        "step over": "next",
        "step into": "stepIn",
        "step out": "stepOut",
        "step back": "stepBack",
        "continue": "continue",
        "reverse continue": "reverseContinue",
    }

    def __init__(self, directory, arguments):
        self.directory, self.seq, self.events = directory, 0, []
        # Who stopped last, and which of its frames is looked at.
        self.thread, self.frame = 1, 0
        self.server = subprocess.Popen(
            [RR_DAP], cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.capabilities = self.ask(
            "initialize", {"adapterID": "rr-dap", "supportsVariableType": True}
        )
        for key in ("trace", "program"):
            if key in arguments:
                arguments[key] = str(directory / arguments[key])
        if "traces" in arguments:
            arguments["traces"] = [str(directory / trace) for trace in arguments["traces"]]
        arguments.setdefault("sourceMap", {"/rr-dap/fixtures": str(directory)})
        self.ask("launch", arguments)
        self.event("initialized")
        self.ask("configurationDone", {})
        self.event("stopped")
        self.breakpoints = {}

    def send(self, command, arguments):
        self.seq += 1
        message = {"seq": self.seq, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(message).encode()
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.server.stdin.flush()
        return self.seq

    def read(self):
        length = None
        while True:
            line = self.server.stdout.readline()
            if not line:
                raise EOFError("the server has ended")
            if line == b"\r\n":
                break
            length = int(line.split(b":")[1])
        return json.loads(self.server.stdout.read(length))

    def ask(self, command, arguments):
        seq = self.send(command, arguments)
        while True:
            message = self.read()
            if message["type"] == "event":
                self.events.append(message)
            elif message.get("request_seq") == seq:
                if not message["success"]:
                    raise ValueError(message.get("message", "refused"))
                return message.get("body") or {}

    def event(self, name):
        while True:
            for index, event in enumerate(self.events):
                if event["event"] == name:
                    return self.events.pop(index).get("body", {})
            message = self.read()
            if message["type"] == "event":
                self.events.append(message)

    def frames(self):
        return self.ask("stackTrace", {"threadId": self.thread})["stackFrames"]

    def place(self):
        frames = self.frames()
        if not frames:
            return "before the program's beginning"
        top = frames[0]
        source = top.get("source", {})
        return f"{top['name']} at {source.get('name', '?')}:{top['line']}"

    def arrived(self):
        body = self.event("stopped")
        self.thread, self.frame = body.get("threadId", self.thread), 0
        self.event("invalidated") if self.pending("invalidated") else None
        reason = body.get("text") or body.get("description") or body["reason"]
        return f"[{reason}] {self.place()}"

    def pending(self, name):
        return any(event["event"] == name for event in self.events)

    def unfold(self, answer, depth=1):
        lines = []
        if depth > 2 or not answer.get("variablesReference"):
            return lines
        arguments = {"variablesReference": answer["variablesReference"]}
        for variable in self.ask("variables", arguments)["variables"]:
            lines.append("  " * depth + f"{variable['name']}: {variable['value']}")
            lines += self.unfold(variable, depth + 1)
        return lines

    def typed(self, line):
        frames = self.frames()
        arguments = {"expression": line, "context": "repl"}
        if frames:
            arguments["frameId"] = frames[min(self.frame, len(frames) - 1)]["id"]
        self.events = [event for event in self.events if event["event"] != "stopped"]
        answer = self.ask("evaluate", arguments)
        lines = [answer["result"]] if answer["result"] else []
        is_command = line.startswith("rr ")
        travels = is_command and answer["result"].startswith(("going ", "stepping ", "to where "))
        if travels:
            lines.append(self.arrived())
        elif is_command:
            lines += self.unfold(answer)
        return "\n".join(lines)

    def clicked(self, what):
        if what in self.BUTTONS:
            self.ask(self.BUTTONS[what], {"threadId": self.thread})
            return self.arrived()
        frame = re.fullmatch(r"frame (\w+)", what)
        if frame:
            names = [each["name"].split(" ")[0] for each in self.frames()]
            self.frame = names.index(frame[1])
            return ""
        filters = re.fullmatch(r"filter (\w+)(?: (.+))?", what)
        if filters:
            option = {"filterId": filters[1], "condition": filters[2] or ""}
            self.ask("setExceptionBreakpoints", {"filters": [], "filterOptions": [option]})
            return ""
        data = re.fullmatch(r"data breakpoint on (.+)", what)
        if data:
            return self.watched(data[1])
        visits = re.fullmatch(r"visits of (\S+):(\d+)", what)
        if visits:
            source = {"path": str(self.directory / visits[1])}
            arguments = {"source": source, "line": int(visits[2])}
            self.targets = self.ask("gotoTargets", arguments)["targets"]
            return "\n".join(target["label"] for target in self.targets)
        visit = re.fullmatch(r"go to visit (\d+)", what)
        if visit:
            target = self.targets[int(visit[1]) - 1]["id"]
            self.ask("goto", {"threadId": 1, "targetId": target})
            return self.arrived()
        wanted = re.fullmatch(r"(no )?breakpoint at (\S+):(\d+)(?: if (.+))?", what)
        if not wanted:
            raise ValueError(f"no button is called `{what}`")
        path, line = wanted[2], int(wanted[3])
        there = self.breakpoints.setdefault(path, {})
        there.pop(line, None)
        if not wanted[1]:
            there[line] = {"line": line, "condition": wanted[4] or ""}
        source = {"path": str(self.directory / path)}
        arguments = {"source": source, "breakpoints": list(there.values())}
        answer = self.ask("setBreakpoints", arguments)
        return "\n".join(b["message"] for b in answer["breakpoints"] if b.get("message"))

    def watched(self, expression):
        arguments = {"name": expression, "frameId": self.frames()[0]["id"]}
        info = self.ask("dataBreakpointInfo", arguments)
        if not info["dataId"]:
            return info["description"]
        breakpoint = {"dataId": info["dataId"], "accessType": "write"}
        self.ask("setDataBreakpoints", {"breakpoints": [breakpoint]})
        return info["description"]

    def end(self):
        self.ask("disconnect", {})
        self.server.stdin.close()
        self.server.wait(timeout=PATIENCE)


def run_debugger(block, debugger):
    for offset, line, expected in exchanges(block, lambda line: re.match(r"> |\(.*\)$", line)):
        try:
            found = debugger.typed(line[2:]) if line[0] == ">" else debugger.clicked(line[1:-1])
        except ValueError as refused:
            found = f"error: {refused}"
        compare(block.where(offset), line, expected, found)


def run_page(page):
    """All that a page does, in one directory and one session."""
    of_page = blocks(page)
    todo = [block for block in of_page if block.info in ("console", "debugger")]
    if not todo:
        return
    directory = Path(tempfile.mkdtemp())
    debugger = None
    try:
        (directory / ".bin").mkdir()
        (directory / ".bin/rr-dap").symlink_to(RR_DAP)
        for name in FIXTURES:
            shutil.copy(ROOT / "fixtures" / name, directory)
        session = re.search(r"<!-- session: (\{.*\}) -->", page.read_text())
        for block in todo:
            if block.info == "console":
                run_console(block, directory)
                continue
            debugger = debugger or Debugger(directory, json.loads(session[1]))
            run_debugger(block, debugger)
        if debugger:
            debugger.end()
    except (EOFError, ValueError, TypeError, subprocess.TimeoutExpired) as error:
        problem(page.name, f"stopped early: {error!r}")
        if debugger:
            debugger.server.kill()
    finally:
        shutil.rmtree(directory)


# Tables


def source(*patterns):
    """The source, with lines joined that a text goes on over."""
    files = [path for pattern in patterns for path in ROOT.glob(pattern)]
    text = "\n".join(path.read_text() for path in files)
    return re.sub(r"\\\n\s*", "", text)


def first_column(page):
    """What is in backticks in the first cell of a page's table rows."""
    rows = re.findall(r"^\|((?:[^|`]|`[^`]*`)*)\|", (DOCS / page).read_text(), re.M)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def compare_sets(page, what, written, known, only_missing=False):
    for name in sorted(known - written):
        problem(page, f"{what} `{name}` is missing")
    if not only_missing:
        for name in sorted(written - known):
            problem(page, f"there is no {what} `{name}`")


def launch_keys():
    code = source("src/dap/launch.rs").split("#[cfg(test)]")[0]
    readers = "path|paths|string|strings|boolean|chaos|environment|directories|pairs|nodes"
    return set(re.findall(rf'fields\s*\.(?:{readers})\("(\w+)"\)', code))


def check_launch_keys():
    keys = launch_keys()
    written = {name for name in first_column("launch.md") if not name.startswith("--")}
    compare_sets("launch.md", "key", written, keys)
    for page in DOCS.glob("*.md"):
        for block in blocks(page):
            if block.info != "json":
                continue
            try:
                value = json.loads("\n".join(block.text))
            except json.JSONDecodeError as error:
                problem(block.where(), f"no JSON: {error}")
                continue
            configurations = value.get("configurations", [value])
            for each in configurations:
                if "request" in each:
                    unknown = each.keys() - keys - CLIENT_KEYS
                    for key in sorted(unknown):
                        problem(block.where(), f"`{key}` is not a key of a {each['request']}")


def check_options():
    """Every option of the command line is told of somewhere in the guide."""
    guide = "\n".join(page.read_text() for page in DOCS.glob("*.md"))
    for command in ([], ["record"], ["replay"], ["instrument"], ["trace", "events"], ["trace", "messages"], ["trace", "export"], ["debug"], ["demo"], ["lsp"], ["mcp"]):
        done = subprocess.run([RR_DAP, *command, "--help"], capture_output=True, text=True)
        options = re.findall(r"^\s+(?:-\w, )?(--[\w-]+)", done.stdout, re.M)
        for option in set(options) - {"--help", "--version"}:
            if not re.search(re.escape(option) + r"(?![\w-])", guide):
                problem("the guide", f"says nothing of `rr-dap {' '.join(command)} {option}`")


def check_server():
    """What the server itself says that it can do."""
    directory = Path(tempfile.mkdtemp())
    try:
        for name in FIXTURES:
            shutil.copy(ROOT / "fixtures" / name, directory)
        arguments = {"program": "ledger.wasm", "dirs": [f"{directory}::/work"], "stopAt": "end"}
        debugger = Debugger(directory, arguments)
        usages = set()
        for line in debugger.typed("rr help").splitlines():
            usage = re.match(r"(\S.*?)  ", line)
            if usage:
                usages.add(usage[1])
        filters = {each["filter"] for each in debugger.capabilities["exceptionBreakpointFilters"]}
        debugger.end()
    finally:
        shutil.rmtree(directory)
    text = (DOCS / "console.md").read_text().replace("\\|", "|")
    for usage in sorted(usages):
        if f"`{usage}`" not in text:
            problem("console.md", f"the command `{usage}` is missing")
    text = (DOCS / "debugging.md").read_text()
    for name in sorted(filters):
        if f"`{name}`" not in text:
            problem("debugging.md", f"the filter `{name}` is missing")


def check_prompt():
    """Commands of the prompt in the terminal, where there is one."""
    commands = set(re.findall(r'\bentry\(\s*\w+,\s*"([\w-]+)"', source("src/cli/debug/commands.rs")))
    text = re.sub(r"^```.*?^```$", "", (DOCS / "terminal.md").read_text(), flags=re.M | re.S)
    written = {word for code in re.findall(r"`([^`]+)`", text) for word in code.split()[:1]}
    compare_sets("terminal.md", "command", written, commands, True)


def check_requests():
    known = set(re.findall(r'= "(rr/\w+)" \(', source("src/dap/protocol/command.rs")))
    compare_sets("custom-requests.md", "request", first_column("custom-requests.md"), known, True)


def check_messages():
    """Messages of the troubleshooting page are the program's, but for what is filled in (`…`)."""
    code = source("src/**/*.rs").replace('\\"', '"')
    for message in re.findall(r"^### `` (.+) ``$", (DOCS / "troubleshooting.md").read_text(), re.M):
        for part in message.split("…"):
            if part.strip() and part.strip() not in code:
                problem("troubleshooting.md", f"`{part.strip()}` is in no message of the program")


def check_quotes():
    """What CONTRIBUTING.md quotes stands in the file that it has named last."""
    page = ROOT / "CONTRIBUTING.md"
    named = None
    lines = iter(page.read_text().splitlines())
    for line in lines:
        opened = re.fullmatch(r"( *)```(\w+)", line)
        if opened:
            indent = len(opened[1])
            quoted = [text[indent:] for text in iter(lambda: next(lines), f"{opened[1]}```")]
            if opened[2] != "console" and "\n".join(quoted) not in (ROOT / named).read_text():
                problem(page.name, f"{named} has no `{quoted[0].strip()}` as quoted")
        for path in re.findall(r"`([\w./-]+)`", line):
            if (ROOT / path).is_file():
                named = path
            elif re.fullmatch(r"(src|tests|docs|fixtures)/.*\.(rs|py|md|zig|sh)", path):
                problem(page.name, f"there is no {path}")


def check_links():
    summary = (DOCS / "SUMMARY.md").read_text()
    for page in sorted(DOCS.glob("*.md")):
        if page.name != "SUMMARY.md" and f"({page.name})" not in summary:
            problem("SUMMARY.md", f"{page.name} is missing")
    others = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "editors/nvim/README.md", "fuzz/README.md"]
    for page in [*DOCS.glob("*.md"), *(ROOT / name for name in others)]:
        text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page.read_text(), flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            path, _, anchor = target.partition("#")
            if re.match(r"\w+:", path):
                continue
            to = (page.parent / path).resolve() if path else page
            if not to.exists():
                problem(page.name, f"the link {target} leads nowhere")
            elif anchor and anchor not in anchors(to):
                problem(page.name, f"{path or page.name} has no section #{anchor}")


def anchors(page):
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def main():
    pages = [DOCS / name for name in sys.argv[1:]]
    if not os.access(RR_DAP, os.X_OK):
        sys.exit(f"{RR_DAP} is not there: `cargo test` builds it, or RR_DAP names another")
    for page in pages or sorted(DOCS.glob("*.md")):
        run_page(page)
    if not pages:
        check_launch_keys()
        check_options()
        check_server()
        check_prompt()
        check_requests()
        check_messages()
        check_quotes()
        check_links()
    for each in problems:
        print(each)
    if problems:
        sys.exit(f"{len(problems)} problems")
    print("the guide agrees with the program")


if __name__ == "__main__":
    main()
