#!/usr/bin/env python3
"""Walks programs of C, C++ and Rust with gdb, built natively, and with rr-dap, built for wasm by
the same compiler, and compares where each step leads: the function and the line.

Ends with 77 where a tool is missing. `compare.py --show` prints both walks where they differ;
`compare.py NAME... ` compares programs whose names begin so.

What is compared. Each walk is a list of stops (function, line). Optimisers decide differently
for the two targets, and then their line tables differ: a line that only one of the two tables
has as a statement of that function cannot be stopped at in the other, and a stop there is left
out. What is left must agree in order: the longest common subsequence over the longer of both.
What gdb stops at in the line of a call that has returned is
left out, too. Without optimisation all of it must; otherwise as much as LEAST says, as code is still moved
and loops are still turned differently.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
RR_DAP = os.environ.get("RR_DAP", os.path.join(HERE, "../../target/debug/rr-dap"))
# Steps of one walk.
MOST = {"next": 90, "step": 220, "finish": 60}
SUBROUTINES = ("DW_TAG_subprogram", "DW_TAG_inlined_subroutine")
LEVELS = ["-O0", "-O1", "-O2", "-O3"]
# The part of the stops at lines of both tables that must agree, in percent.
LEAST = {"-O0": 100, "-O1": 70, "-O2": 70, "-O3": 70}

# In gdb: walks, and prints a line for each stop.
WALK = r"""
import gdb
def at():
    frames, frame = [], gdb.newest_frame()
    while frame is not None and len(frames) < 8:
        sal = frame.find_sal()
        file = sal.symtab.filename.rsplit("/", 1)[-1] if sal.symtab else "?"
        frames.append((frame.name() or "?", file, sal.line, frame.type() == gdb.INLINE_FRAME))
        frame = frame.older()
    return frames
def show(what):
    print("AT", what, repr(at()), sep="\t", flush=True)
def run(command):
    try:
        gdb.execute(command, to_string=True)
    except gdb.error:
        # Values that it cannot print, as what Rust returns.
        pass
    return gdb.selected_inferior().pid != 0
gdb.execute("set pagination off")
gdb.execute("set confirm off")
gdb.execute("set step-mode off")
gdb.execute("set disable-randomization on")
"""


class Program:
    def __init__(self, source, functions, main="main", levels=None):
        self.source = os.path.join(HERE, source)
        self.name = os.path.basename(source)
        # Where breakpoints are set, for walks that start in them and for `finish`.
        self.functions = functions
        self.main = main
        self.levels = levels or LEVELS


PROGRAMS = [
    Program(
        "../../fixtures/motion/inlined.c",
        ["work", "twice_on_a_line", "calls_inside", "last_on_a_line", "loops_inside", "factorial"],
    ),
    Program("../../fixtures/motion/control.c", ["classify", "make", "collatz", "grid"]),
    Program("shapes.cc", ["measure", "stacked", "applied", "area"]),
    # Of Rust, the fixtures: few machines have its target for wasm.
    Program("../../fixtures/motion/closures.rs", ["largest"], "_start", ["-O0", "-O2"]),
]
# Where `finish` begins, inlined functions among them.
FINISH = {
    "inlined.c": ["square", "outside", "counted", "sum_of_squares"],
    "control.c": ["classify", "collatz"],
    "shapes.cc": ["area", "push", "pop"],
    # What gdb makes of values of Rust ends its `finish`.
    "closures.rs": [],
}


def plain(name):
    """A function's name without its path, parameters and the arguments of its types."""
    name = re.sub(r"\(anonymous [a-z]+\)::", "", name)
    name = name.split("(")[0] if not name.startswith("(") else name
    depth, out = 0, ""
    for c in name:
        if c == "<":
            depth += 1
        elif c == ">" and depth:
            depth -= 1
        elif depth == 0:
            out += c
    last = out.strip().split(" ")[-1].rsplit("::", 1)[-1]
    if "closure" in last or "lambda" in name or last in ("operator", ""):
        # `{closure#0}`, `{{closure}}`, `operator()`
        return "closure"
    return last


def run(command, **more):
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", timeout=110, **more
    )
    return done.returncode, done.stdout


def build(program, level, directory):
    source = program.source
    stem = os.path.join(directory, program.name + level)
    compiler = "clang++-19" if source.endswith(".cc") else "clang-19"
    options = ["-g", level, "-fno-exceptions", "-fno-rtti"] if source.endswith(".cc") else ["-g", level]
    native, wasm, obj = stem + ".native", stem + ".wasm", stem + ".o"
    if source.endswith(".rs"):
        wasm = source.replace(".rs", level + ".wasm")
        commands = build_rust(source, level, native, obj, directory)
    else:
        commands = build_c(compiler, options, source, native, wasm, obj)
    for command in commands:
        status, said = run(command)
        if status != 0:
            sys.exit(f"{' '.join(command)}\n{said}")
    return native, wasm


def build_rust(source, level, native, obj, directory):
    """The same program, but for what is of the machine."""
    # Where it stands in the wasm's debug information.
    copy = os.path.join(directory, level, os.path.basename(source))
    os.makedirs(os.path.dirname(copy), exist_ok=True)
    with open(source) as file:
        text = file.read().replace("core::arch::wasm32::unreachable()", "loop {}")
    with open(copy, "w") as file:
        file.write(text)
    start, library = obj.replace(".o", ".start.c"), obj.replace(".o", ".a")
    with open(start, "w") as file:
        file.write("void _begins(void); int main(void) { _begins(); return 0; }\n"
                   "void rust_eh_personality(void) {}")
    return (
        ["rustc", "--edition", "2024", "--crate-type", "staticlib", "-o", library, "-C", "panic=abort",
         "-C", f"opt-level={level[2:]}", "-C", "debuginfo=2", "-C", "codegen-units=1", copy],
        ["objcopy", "--redefine-sym", "_start=_begins", library],
        ["clang-19", "-w", start, library, "-Wl,--gc-sections", "-o", native],
    )


def build_c(compiler, options, source, native, wasm, obj):
    return (
        [compiler, *options, source, "-o", native],
        # Linked by itself, so that wasm-opt, where it is installed, takes nothing away.
        [compiler, "--target=wasm32-wasi", *options, "-c", source, "-o", obj],
        [compiler, "--target=wasm32-wasi", obj, "-o", wasm],
    )


def walks_of(program):
    """Each walk: its name, where it begins, the command, how often."""
    yield ("next", program.main, "next", MOST["next"])
    yield ("step", program.main, "step", MOST["step"])
    for function in program.functions:
        yield (f"next in {function}", function, "next", 30)


def most_of(what):
    """So many steps are made in a walk."""
    return MOST.get(what, 60 if what.startswith("finish") else 30) - 1


def where(program, function):
    """A function as gdb finds it while the language is still that of C's `main`."""
    is_rust = program.name.endswith(".rs")
    return f"{program.name[:-3]}::{function}" if is_rust else function


def gdb(native, program, directory):
    script = [WALK]
    for name, function, command, most in walks_of(program):
        script.append(f"""
gdb.execute("delete")
gdb.execute("break {where(program, function)}", to_string=True)
if run("run"):
    gdb.execute("delete")
    show({name!r})
    for _ in range({most}):
        if not run({command!r}):
            break
        show({name!r})
        # Not through the C library's end, which one of both has lines of.
        if {not program.name.endswith(".rs")} and at()[0][1] != {program.name!r}:
            break
""")
    for function in FINISH[program.name]:
        script.append(f"""
gdb.execute("delete")
gdb.execute("break {where(program, function)}", to_string=True)
if run("run"):
    for _ in range({MOST["finish"]}):
        show("finish from {function}")
        gdb.execute("disable")
        if not run("finish"):
            break
        show("finish from {function}")
        gdb.execute("enable")
        if not run("continue"):
            break
""")
    path = native + ".walk.py"
    with open(path, "w") as file:
        file.write("\n".join(script))
    status, said = run(["gdb", "-nx", "-batch", "-x", path, native], cwd=directory)
    walks = {}
    for line in said.splitlines():
        if line.startswith("AT\t"):
            _, what, frames = line.split("\t")
            frames = [(plain(name), *more) for name, *more in ast.literal_eval(frames)]
            walks.setdefault(what, []).append(frames)
    if not walks:
        sys.exit(f"gdb has said nothing of {native}:\n{said}")
    # Which of them end as enough steps were made.
    cut = {what for what, stops in walks.items() if len(stops) > most_of(what)}
    return {what: without_returns(stops) for what, stops in walks.items()}, cut


def without_returns(stops):
    """Without the stops of a caller in the line of a call that has returned, which gdb makes
    if the line table has a row there: rr-dap goes on to the next line."""
    kept, before = [], []
    for stop in stops:
        inner = [k for k in range(1, len(before)) if before[k : k + len(stop)] == stop[: len(before) - k]]
        if not (inner and not before[inner[0] - 1][3]):
            kept.append([frame[:3] for frame in stop])
        before = stop
    return kept


# `*#0  square (n=3) at s.c:9`, ` #1  work at s.c:18`
FRAME = re.compile(r"^[* ]#(\d+)\s+(\S.*?)(?: \(\w+=.*\))? at ([^\s:]+):(\d+)$")


def rr_dap(wasm, program, directory):
    trace = os.path.join(directory, os.path.basename(wasm) + ".rrtrace")
    status, said = run([RR_DAP, "record", "--force", "-o", trace, wasm], cwd=directory)
    if not os.path.exists(trace):
        sys.exit(f"{wasm} cannot be recorded:\n{said}")
    walks = {}
    def walk(what, commands):
        command = [RR_DAP, "debug", "--batch"]
        for each in commands:
            command += ["-x", each]
        _, said = run([*command, trace], cwd=directory)
        stops, before = [], None
        for line in said.splitlines():
            if line.startswith("(rr-dap) bt"):
                stops.append([])
            elif found := FRAME.match(line):
                _, name, file, number = found.groups()
                stops[-1].append((plain(name), file, int(number)))
        walks[what] = [stack for stack in stops if stack]
    for name, function, command, most in walks_of(program):
        steps = [command, "bt 8"] * most
        walk(name, [f"break {function}", "seek start", "continue", "delete", "bt 8"] + steps)
    for function in FINISH[program.name]:
        turns = ["bt 8", "disable", "finish", "bt 8", "enable", "continue"] * MOST["finish"]
        walk(f"finish from {function}", [f"break {function}", "seek start", "continue"] + turns)
    return walks


class Copies:
    """The copies of functions in a binary, out of line and inlined, with the lines that have
    statements in each, by what llvm-dwarfdump says."""

    def __init__(self, binary, file):
        rows = self.rows(binary)
        # By (function, ((caller, line of the call), …)): lines that each such copy has.
        self.lines = {}
        names, origins, found, ranges_of = {}, {}, [], None
        open_ = []
        _, said = run([dwarfdump(), "--debug-info", binary])
        entry, unit, is_ours = None, None, False
        for line in said.splitlines():
            tag = re.match(r"^0x([0-9a-f]+):(\s+)(DW_TAG_\w+|NULL)", line)
            if tag:
                offset, depth = int(tag.group(1), 16), len(tag.group(2))
                while open_ and open_[-1]["depth"] >= depth:
                    open_.pop()
                entry = {"depth": depth, "offset": offset, "tag": tag.group(3), "ranges": [],
                         "around": [e for e in open_ if e["tag"] in SUBROUTINES], "line": None}
                open_.append(entry)
                if entry["tag"] == "DW_TAG_compile_unit":
                    unit = entry
                if entry["tag"] in SUBROUTINES and is_ours:
                    found.append(entry)
                continue
            if entry is None:
                continue
            if span := re.match(r"^\s+\[0x([0-9a-f]+), 0x([0-9a-f]+)\)", line):
                entry["ranges"].append((int(span.group(1), 16), int(span.group(2), 16)))
            elif said_ := re.match(r"^\s+DW_AT_(\w+)\s+\((.*)", line):
                name, value = said_.groups()
                if "dead code" in value:
                    continue
                if name == "name" and entry is unit:
                    is_ours = file in value
                elif name == "name":
                    names[entry["offset"]] = value.strip('"()')
                elif name in ("abstract_origin", "specification"):
                    origins[entry["offset"]] = int(value.split()[0].rstrip(")"), 16)
                elif name == "low_pc":
                    entry["low"] = int(value.rstrip(")"), 16)
                elif name == "high_pc" and "low" in entry:
                    entry["ranges"].append((entry["low"], int(value.rstrip(")"), 16)))
                elif name == "call_line":
                    entry["line"] = int(value.rstrip(")"), 0)

        def name_of(offset):
            for _ in range(4):
                if offset in names:
                    return plain(names[offset])
                offset = origins.get(offset)
            return "?"

        for entry in found:
            if not entry["ranges"]:
                continue
            # What is inlined deeper is a copy of its own.
            inner = [r for e in found if entry in e["around"] for r in e["ranges"]]
            has = {line for pc, line in rows
                   if any(low <= pc < high for low, high in entry["ranges"])
                   and not any(low <= pc < high for low, high in inner)}
            # A call that is inlined is stopped at, too.
            has |= {e["line"] for e in found if e["around"] and e["around"][-1] is entry and e["ranges"]
                    and e["tag"] == "DW_TAG_inlined_subroutine"}
            calls, at = [], entry
            while at["tag"] == "DW_TAG_inlined_subroutine" and at["around"]:
                calls.append((name_of(at["around"][-1]["offset"]), at["line"]))
                at = at["around"][-1]
            key = (name_of(entry["offset"]), tuple(calls))
            self.lines[key] = self.lines[key] & has if key in self.lines else has

    @staticmethod
    def rows(binary):
        _, said = run([dwarfdump(), "--debug-line", binary])
        rows = {}
        for row in said.splitlines():
            found = re.match(r"^0x([0-9a-f]+)\s+(\d+)\s+\d+\s+(\d+)\s(.*)", row)
            if found:
                pc, line, _, flags = found.groups()
                # Of several at a place, the last one is where one stands.
                if "is_stmt" in flags and "end_sequence" not in flags:
                    rows[int(pc, 16)] = int(line)
        return list(rows.items())

    def of(self, stack):
        """The lines of the copies that a stack of (function, line) may be in."""
        name, calls = stack[0][0], tuple(stack[1:])
        fits = [(len(key[1]), lines) for key, lines in self.lines.items()
                if key[0] == name and calls[: len(key[1])] == key[1]]
        longest = max((length for length, _ in fits), default=0)
        lines = [lines for length, lines in fits if length == longest]
        return set.intersection(*lines) if lines else set()


def common(a, b):
    """The length of the longest common subsequence."""
    row = [0] * (len(b) + 1)
    for x in a:
        before = 0
        for j, y in enumerate(b):
            kept = row[j + 1]
            row[j + 1] = before + 1 if x == y else max(row[j + 1], row[j])
            before = kept
    return row[-1]


def ours(stops, file, copies):
    """The stops in the program's own source, at lines that both tables have there."""
    kept = []
    for stack in stops:
        name, where, line = stack[0]
        plain_stack = [(name, line) for name, _, line in stack]
        if where == file and all(line in each.of(plain_stack) for each in copies):
            # What stands between two stops may be left out.
            if not kept or kept[-1] != (name, line):
                kept.append((name, line))
    return kept


def compare(program, level, directory):
    native, wasm = build(program, level, directory)
    (theirs, cut), own = gdb(native, program, directory), rr_dap(wasm, program, directory)
    copies = [Copies(native, program.name), Copies(wasm, program.name)]
    results = []
    for what in theirs:
        a = ours(theirs[what], program.name, copies)
        b = ours(own.get(what, []), program.name, copies)
        # Where one ends as enough steps were made, the other may have gone farther.
        if what in cut or len(own.get(what, [])) > most_of(what):
            a, b = a[: min(len(a), len(b))], b[: min(len(a), len(b))]
        results.append((program.name, level, what, a, b, common(a, b), max(len(a), len(b))))
    return results


def dwarfdump():
    return shutil.which("llvm-dwarfdump-19") or shutil.which("llvm-dwarfdump")


def missing():
    for tool in ("gdb", "clang-19", "clang++-19", "rustc", "objcopy"):
        if not shutil.which(tool):
            return tool
    if not dwarfdump():
        return "llvm-dwarfdump"
    status, _ = run(["gdb", "-nx", "-batch", "-ex", "python print(1)"])
    if status != 0:
        return "gdb with Python"
    # A compiler may be there without the libraries of one of the targets.
    with tempfile.TemporaryDirectory() as directory:
        for suffix, compiler in ((".c", "clang-19"), (".cc", "clang++-19")):
            source = os.path.join(directory, "empty" + suffix)
            with open(source, "w") as file:
                file.write("int main(void) { return 0; }\n")
            for target in ([], ["--target=wasm32-wasi"]):
                status, _ = run([compiler, *target, source, "-o", os.path.join(directory, "empty")])
                if status != 0:
                    return f"what {' '.join([compiler, *target])} links with"
    return None


def main(arguments):
    if tool := missing():
        print(f"skipped: {tool} is not installed")
        return 77
    show = "--show" in arguments
    named = [argument for argument in arguments if not argument.startswith("-")]
    levels = [argument for argument in arguments if argument.startswith("-O")] or LEVELS
    programs = [p for p in PROGRAMS if not named or any(p.name.startswith(n) for n in named)]
    failed = []
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(2) as pool:
        jobs = [(p, level) for level in levels for p in programs if level in p.levels]
        results = list(pool.map(lambda job: compare(*job, directory), jobs))
    for level in levels:
        for walk in ("next", "step", "finish"):
            rows = [r for found in results for r in found if r[1] == level and r[2].startswith(walk)]
            agree, all_ = sum(r[5] for r in rows), sum(r[6] for r in rows)
            percent = 100 * agree / max(all_, 1)
            print(f"{level} {walk:6} {agree:5} of {all_:5} stops agree, {percent:5.1f} %")
            if percent < LEAST[level] or all_ == 0:
                failed.append(f"{level} {walk}")
            for name, _, what, a, b, same, whole in rows:
                if show and same != whole:
                    print(f"  {name} {what}: {same} of {whole}\n    gdb:    {told(a)}\n    rr-dap: {told(b)}")
    if failed:
        print("FAILED:", ", ".join(failed))
        return 1
    return 0


def told(stops):
    words, before = [], None
    for name, line in stops:
        words.append(str(line) if name == before else f"{name}:{line}")
        before = name
    return " ".join(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
