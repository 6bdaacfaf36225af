#!/usr/bin/env python3
"""Compares the packages that the image of the Dockerfile installs with those that the programs load.

usage: check_runtime_packages.py PROGRAM...

Asks ldd for the libraries of the programs and dpkg for their packages. Ends with 0 if the Dockerfile
lists exactly these, with 1 if not, with 77 where that cannot be told: on anything but Debian 12.
"""

import pathlib
import re
import subprocess
import sys

# In every image of Debian 12: the package manager and its friends stand on them.
BASE = {"libc6", "libgcc-s1", "libstdc++6"}
# Loaded as data, which ldd does not see.
DATA = {"tzdata"}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def loaded(programs):
    """The packages of the libraries that the programs load."""
    files = set()
    for program in programs:
        for line in run("ldd", program).splitlines():
            match = re.search(r"=> (/\S+)", line)
            if match:
                files.add(match.group(1))
    packages = set()
    for file in files:
        # dpkg knows a library by the one of its two names that it was installed under.
        for name in (file, file.removeprefix("/usr"), str(pathlib.Path(file).resolve())):
            found = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True)
            if found.returncode == 0:
                packages.add(found.stdout.split(":")[0])
                break
        else:
            sys.exit(f"no package has {file}")
    return packages


def listed(dockerfile):
    """The packages of the last apt-get install of the Dockerfile."""
    text = dockerfile.read_text().replace("\\\n", " ")
    installs = re.findall(r"apt-get install ([^&]*)", text)
    return {word for word in installs[-1].split() if not word.startswith("-")}


def main():
    release = pathlib.Path("/etc/os-release").read_text()
    if 'VERSION_ID="12"' not in release or "ID=debian" not in release:
        print("not Debian 12: not checked")
        return 77
    wanted = (loaded(sys.argv[1:]) - BASE) | DATA
    have = listed(pathlib.Path(__file__).resolve().parent.parent / "Dockerfile")
    for package in sorted(wanted - have):
        print(f"Dockerfile lacks {package}")
    for package in sorted(have - wanted):
        print(f"Dockerfile has {package}, which nothing loads")
    return 0 if wanted == have else 1


if __name__ == "__main__":
    sys.exit(main())
