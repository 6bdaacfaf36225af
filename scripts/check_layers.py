#!/usr/bin/env python3
"""Compares every include with the floors of the rooms and with scripts/layers.txt.

A room may include what stands below it, never what stands above or beside it (docs/architecture.md,
"The rooms"). Other libraries stay in the rooms that layers.txt names for them.
"""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)


def read_rules(path):
    """Read "room: rooms it may include" and "library prefix -> rooms" lines."""
    rooms, libraries = {}, {}
    with open(path, encoding="utf-8") as handle:
        for number, line in enumerate(handle, 1):
            line = line.split("#")[0].strip()
            if not line:
                continue
            if "->" in line:
                prefix, users = line.split("->")
                libraries[prefix.strip()] = set(users.split())
            elif ":" in line:
                room, below = line.split(":")
                rooms[room.strip()] = set(below.split())
            else:
                sys.exit("%s:%d: neither a room nor a library: %s" % (path, number, line))
    return rooms, libraries


def check_file(path, room, rooms, libraries):
    """Yield what is wrong with one file's includes."""
    with open(path, encoding="utf-8") as handle:
        text = handle.read()
    for kind, target in INCLUDE.findall(text):
        other = target.split("/")[0]
        if kind == '"' and other in rooms and other != room and other not in rooms[room]:
            yield "%s may not include %s" % (room, target)
        for prefix, users in libraries.items():
            if target.startswith(prefix) and room not in users:
                yield "%s may not use %s (only %s may)" % (room, target, ", ".join(sorted(users)))


def main():
    rooms, libraries = read_rules(os.path.join(ROOT, "scripts", "layers.txt"))
    wrong = 0
    for room in rooms:
        for folder, _, names in os.walk(os.path.join(ROOT, "src", room)):
            for name in sorted(names):
                if not name.endswith((".h", ".cc")):
                    continue
                path = os.path.join(folder, name)
                for message in check_file(path, room, rooms, libraries):
                    print("%s: %s" % (os.path.relpath(path, ROOT), message))
                    wrong += 1
    print("layers: %d violations" % wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
