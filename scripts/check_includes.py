#!/usr/bin/env python3
"""Fails when a folder of src/ or apps/ includes one that stands above it: dependencies go one way.

    check_includes.py [ROOT]

ALLOWED is the one place where the order is written down; docs/architecture.md explains it.
"""
import re
import sys
from pathlib import Path

# What each folder builds on directly; what those build on is allowed too.
ALLOWED = {
    "base": [],
    "net": ["base"],
    "crypto": ["base"],
    "omega": ["base"],
    "cache": ["base"],
    "pci": ["crypto", "omega"],
    "kernels": ["base"],
    "engine": ["kernels"],
    "gateway": ["engine", "net"],
    "runtime": ["gateway", "cache", "pci", "omega"],
    "federation": ["crypto", "pci", "net"],
    "server": ["engine", "runtime", "federation"],
    "config": ["engine", "server"],
    "bench": ["config", "server", "runtime", "federation"],
    "apps": ["config", "server", "bench"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([a-z0-9_]+)/')


def reachable(folder):
    seen, pending = {folder}, [folder]
    while pending:
        for below in ALLOWED[pending.pop()]:
            if below not in seen:
                seen.add(below)
                pending.append(below)
    return seen


def sources(root):
    for top in ("src", "apps"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".h", ".cpp", ".inc", ".in"):
                relative = path.relative_to(root)
                yield ("apps" if top == "apps" else relative.parts[1]), relative, path


def violations(root):
    folders = {name: reachable(name) for name in ALLOWED}
    for folder, relative, path in sources(root):
        if folder not in folders:
            yield "%s: folder '%s' is not in the order of scripts/check_includes.py" % (relative, folder)
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if match and match.group(1) in folders and match.group(1) not in folders[folder]:
                yield "%s:%d: %s may not include %s" % (relative, number, folder, match.group(1))


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    found = list(violations(root))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
