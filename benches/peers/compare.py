#!/usr/bin/env python3
"""ttlab beside libCacheSim and cachetools: one trace, both sides in one go, equal hits or an error.

    cargo build --release && cargo bench --bench peers --no-run
    python3 benches/peers/compare.py [--requests 20000000] [--objects 1000000] [--ttl 60]

Installs libcachesim and cachetools from the package index into a temporary virtual environment, makes one
oracleGeneral trace with `ttlab trace generate` (Zipf 1.0, the cache holds a tenth of the objects), and runs:

* exact LRU, from a decoded trace to the hit ratio (libCacheSim decodes while it plays; its time is that of
  process_trace over a memory-mapped binary trace, the best of three);
* the same with one fixed TTL;
* the whole process from the file, `ttlab curve` beside a Python process that does nothing but that;
* cachetools.TTLCache with its clock set by the trace, over the first million requests, for it is slow.

Needs python3 with venv, and the network for the two packages. Nothing of theirs is kept.
"""

import argparse
import glob
import json
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

LIBCACHESIM = """
import json, sys, time
import libcachesim as lcs
trace, limit, ttl, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
told = {}
for name, kept in [("lru", None), ("ttl", ttl)]:
    best = float("inf")
    for _ in range(rounds):
        params = lcs.ReaderInitParam(ignore_obj_size=True)
        reader = lcs.TraceReader(trace, lcs.TraceType.ORACLE_GENERAL_TRACE, params)
        cache = lcs.LRU(limit) if kept is None else lcs.LRU(limit, default_ttl=kept)
        began = time.perf_counter()
        missed, _ = cache.process_trace(reader)
        best = min(best, time.perf_counter() - began)
    told[name] = {"miss_ratio": missed, "s": best}
    if rounds == 1:
        break
print(json.dumps(told))
"""

CACHETOOLS = """
import json, struct, sys, time
import cachetools
trace, limit, ttl, most = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
data = open(trace, "rb").read(24 * most)
asked = [(at, key) for at, key, _, _ in struct.iter_unpack("<IQIq", data)]
now = 0
# It is dead at its deadline, and ttlab's after it: half a second between settles that for whole seconds.
cache = cachetools.TTLCache(limit, ttl + 0.5, timer=lambda: now)
hits, began = 0, time.perf_counter()
for now, key in asked:
    if cache.get(key) is None:
        cache[key] = True
    else:
        hits += 1
print(json.dumps({"hits": hits, "s": time.perf_counter() - began, "requests": len(asked)}))
"""


def run(*command, **more):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, **more).stdout


def ours(bench, trace, limit, ttl):
    return json.loads(run(bench, trace, limit, ttl))


def newest(pattern):
    found = [pathlib.Path(path) for path in glob.glob(str(ROOT / pattern)) if not path.endswith(".d")]
    if not found:
        sys.exit(f"{pattern} is not there: cargo build --release && cargo bench --bench peers --no-run")
    return max(found, key=lambda path: path.stat().st_mtime)


def main():
    parser = argparse.ArgumentParser(description="ttlab beside libCacheSim and cachetools")
    parser.add_argument("--requests", type=int, default=20_000_000)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--ttl", type=int, default=60)
    args = parser.parse_args()
    bench, ttlab = newest("target/release/deps/peers-*"), newest("target/release/ttlab")
    limit = args.objects // 10
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        run(sys.executable, "-m", "venv", folder / "venv")
        python = folder / "venv/bin/python"
        run(python, "-m", "pip", "-q", "install", "libcachesim", "cachetools")
        scenario = folder / "peers.toml"
        scenario.write_text(
            f'name = "peers"\n[workload]\nduration = "{args.requests // 20_000}s"\nrate = "20000/s"\n'
            f'[[workload.class]]\nname = "all"\nobjects = {args.objects}\n'
            'popularity = { model = "zipf", alpha = 1.0 }\n'
            '[cache]\neviction = "lru"\n[[strategy]]\nname = "it"\nttl = "none"\n'
        )
        trace = folder / "peers.oracleGeneral"
        print(run(ttlab, "trace", "generate", scenario, "--out", trace, "--to", "oracle-general").strip())
        mine = ours(bench, trace, limit, args.ttl)
        theirs = json.loads(run(python, "-c", LIBCACHESIM, trace, limit, args.ttl, 3))
        requests = mine["requests"]
        for name, label, hits in [("lru", "LRU", mine["hits"]), ("ttl", "LRU + TTL", mine["ttl_hits"])]:
            their_hits = round((1 - theirs[name]["miss_ratio"]) * requests)
            equal = "equal hits" if their_hits == hits else f"UNEQUAL: {hits} ours, {their_hits} theirs"
            a, b = requests / mine[name + "_s"], requests / theirs[name]["s"]
            print(f"{label}: {a / 1e6:.1f} M/s, libCacheSim {b / 1e6:.2f} M/s: {a / b:.1f} times ({equal})")
        recorded = folder / "recorded.toml"
        recorded.write_text(
            'name = "peers"\n[trace]\nspread = "none"\n[cache]\neviction = "lru"\n[[strategy]]\nname = "it"\nttl = "none"\n'
        )
        began = time.perf_counter()
        told = json.loads(
            run(ttlab, "curve", recorded, "--trace", trace, "--instant", "--capacities", limit, "--json", "--threads", 1)
        )
        whole = time.perf_counter() - began
        began = time.perf_counter()
        run(python, "-c", LIBCACHESIM, trace, limit, args.ttl, 1)
        their_whole = time.perf_counter() - began
        ratio = told["cells"][0]["hit_ratio"]
        same = "equal hits" if round(ratio * requests) == mine["hits"] else "UNEQUAL"
        print(f"whole process: {whole:.2f} s, libCacheSim {their_whole:.2f} s: {their_whole / whole:.1f} times ({same})")
        most = min(requests, 1_000_000)
        part = folder / "part.oracleGeneral"
        part.write_bytes(trace.read_bytes()[: 24 * most])
        # Small enough for both to forget because it is full.
        slow = json.loads(run(python, "-c", CACHETOOLS, part, limit, args.ttl, most))
        mine = ours(bench, part, limit, args.ttl)
        a, b = most / mine["ttl_s"], most / slow["s"]
        # It gives back what has died before it evicts, which ours does when it is asked to; both may differ a little.
        off = abs(mine["ttl_hits"] - slow["hits"]) / most
        print(f"cachetools.TTLCache: {b / 1e6:.2f} M/s, ttlab {a / 1e6:.1f} M/s: {a / b:.0f} times (hit ratios differ by {off:.5f})")


if __name__ == "__main__":
    main()
