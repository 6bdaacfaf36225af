#!/usr/bin/env python3
"""The JavaScript clients `influx` and `@influxdata/influxdb-client` against a varved.

    node_test.py --varved build/release/bin/varved --modules build/clients

The tests are in node_test.js; `--modules` names the folder that ./dev test installs the packages of
package.json into.
"""

import argparse
import os
import shutil
import subprocess
import sys

import servers


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--varved", required=True)
    parser.add_argument("--modules", required=True)
    options = parser.parse_args()
    node = shutil.which("node")
    if node is None:
        servers.skip("no node (package nodejs)")
    if not os.path.isdir(os.path.join(options.modules, "node_modules", "influx")):
        servers.skip("the packages are not installed in " + options.modules)
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "node_test.js")
    with servers.Varved(options.varved) as server, \
            servers.Varved(options.varved, auth=True) as guarded:
        environment = dict(os.environ, VARVE_URL=server.url, VARVE_GUARDED_URL=guarded.url,
                           VARVE_MODULES=os.path.abspath(options.modules))
        return subprocess.call([node, "--test", script], env=environment, timeout=120)


if __name__ == "__main__":
    sys.exit(main())
