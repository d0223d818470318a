"""What llvm-cov measured, by layer and file; for the asked-for files also what is not reached."""

import json
import os
import sys

split = sys.argv.index("--")
layers, asked = sys.argv[2:split], sys.argv[split + 1 :]
here = os.getcwd() + "/"
with open(sys.argv[1]) as text:
    data = json.load(text)["data"][0]
files = {entry["filename"].removeprefix(here): entry for entry in data["files"]}


def production(path):
    """The number of lines before the tests at a file's end."""
    with open(path) as source:
        lines = source.read().split("\n")
    for number, line in enumerate(lines):
        if line == "mod tests {" and lines[number - 1] == "#[cfg(test)]":
            return number - 1
    return len(lines)


def lines_of(entry, last):
    """Whether each line with code on it was run, as llvm-cov counts it."""
    by_line, run, wrapped = {}, {}, None
    for line, _, count, has_count, is_entry, is_gap in entry["segments"]:
        by_line.setdefault(line, []).append((count, has_count, is_entry, is_gap))
    for number in range(1, last + 1):
        here = by_line.get(number, [])
        starts = [count for count, has_count, is_entry, is_gap in here if has_count and is_entry and not is_gap]
        skipped = here and not here[0][1] and here[0][2]
        if not skipped and (starts or (wrapped and wrapped[1])):
            run[number] = max(starts + [wrapped[0] if wrapped else 0]) > 0
        wrapped = here[-1] if here else wrapped
    return run


def branches_of(entry, last):
    """Both ways of each branch, whichever of several instances of a generic took them."""
    taken = {}
    for branch in entry.get("branches", []):
        place = tuple(branch[:4])
        if place[0] <= last:
            true, false = taken.get(place, (0, 0))
            taken[place] = (true + branch[4], false + branch[5])
    return taken


def percent(part, whole):
    return f"{100 * part / whole:5.1f} %" if whole else "      -"


def summary(name, lines, branches):
    ways = [way for pair in branches for way in pair]
    run, took = sum(lines), sum(way > 0 for way in ways)
    print(f"{name:44} {percent(run, len(lines))} of {len(lines):5} lines  {percent(took, len(ways))} of {len(ways):4} branches")


measured = {}
for path, entry in sorted(files.items()):
    if any(path.startswith(layer + "/") for layer in layers + asked) or path in asked:
        last = production(path)
        measured[path] = (lines_of(entry, last), branches_of(entry, last))
for layer in layers:
    inside = [entry for path, entry in measured.items() if path.startswith(layer + "/")]
    summary(layer, [hit for lines, _ in inside for hit in lines.values()], [b for _, bs in inside for b in bs.values()])
    for path, (lines, branches) in measured.items():
        if path.startswith(layer + "/"):
            summary("  " + path.removeprefix(layer + "/"), list(lines.values()), list(branches.values()))
for path, (lines, branches) in measured.items():
    if not any(path == name or path.startswith(name.rstrip("/") + "/") for name in asked):
        continue
    with open(path) as source:
        text = source.read().split("\n")
    why = {number: "not reached" for number, hit in lines.items() if not hit}
    for (line, *_), (true, false) in branches.items():
        if not (true and false):
            why.setdefault(line, "never true" if not true else "never false")
    for number in sorted(why):
        print(f"{path}:{number}: {why[number]}: {text[number - 1].strip()}")
