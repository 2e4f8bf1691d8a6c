#!/usr/bin/env python3
"""ttlab beside libCacheSim and cachetools: one trace, both sides in one go, equal hits or exit status 1.

    cargo build --release && cargo bench --bench peers --no-run
    python3 benches/peers/compare.py [--requests 20000000] [--objects 1000000] [--ttl 60]

Installs libcachesim and cachetools from the package index into a temporary virtual environment, makes one
oracleGeneral trace with `ttlab trace generate` (Zipf 1.0, the cache holds a tenth of the objects), and runs:

* exact LRU, from a decoded trace to the hit ratio (libCacheSim decodes while it plays; its time is that of
  process_trace over a memory-mapped binary trace, the best of three);
* the same with a TTL longer than the trace: all the work of a TTL, and hits that both can count;
* the same with one fixed TTL that entries do reach. libCacheSim takes such a setting and does nothing with it: a
  second request hits ten TTLs later, which is shown first, and its hits are those without a TTL. So the hits
  are held against cachetools instead;
* the whole process from the binary file and from a csv file, `ttlab curve` beside a Python process that does
  nothing but that: once by the clock on the wall, and once by the processor time of all threads, for ttlab reads
  with a second thread beside the one that plays;
* the whole engine with a TTL, an origin of 20 ms, single-flight and all observers, beside libCacheSim's bare LRU;
* cachetools.TTLCache with its clock set by the trace, over the first million requests, for it is slow.

Whatever should be equal and is not is told again at the end, with exit status 1. Needs python3 with venv on a
Unix system, and the network for the two packages. Nothing of theirs is kept.
"""

import argparse
import glob
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

LIBCACHESIM = """
import json, struct, sys, time
import libcachesim as lcs
trace, limit, ttl, span, rounds = sys.argv[1], *map(int, sys.argv[2:6])

def reader_of(path):
    if path.endswith(".csv"):
        params = lcs.ReaderInitParam(
            ignore_obj_size=True, has_header=True, has_header_set=True, delimiter=",", obj_id_is_num=True,
            obj_id_is_num_set=True)
        params.time_field, params.obj_id_field, params.obj_size_field = 1, 2, 3
        return lcs.TraceReader(path, lcs.TraceType.CSV_TRACE, params)
    params = lcs.ReaderInitParam(ignore_obj_size=True)
    return lcs.TraceReader(path, lcs.TraceType.ORACLE_GENERAL_TRACE, params)

told = {}
if rounds > 1:
    # Two requests for one object, ten TTLs apart.
    probe = trace + ".probe.oracleGeneral"
    open(probe, "wb").write(struct.pack("<IQIq", 1, 7, 1, -1) + struct.pack("<IQIq", 1 + 10 * ttl, 7, 1, -1))
    missed, _ = lcs.LRU(limit, default_ttl=ttl).process_trace(reader_of(probe))
    told["probe_hits"] = round((1 - missed) * 2)
for name, kept in [("lru", None), ("long", span + 1), ("ttl", ttl)]:
    best = float("inf")
    for _ in range(rounds):
        reader = reader_of(trace)
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


def spent(*command):
    """What a command printed, how long it took, and the processor time of all its threads."""
    def used():
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    before, began = used(), time.perf_counter()
    told = json.loads(run(*command))
    return told, time.perf_counter() - began, used() - before


UNEQUAL = []


def equal(what, ours, theirs):
    """Says whether both count the same hits; if not, it is an error at the end."""
    if ours == theirs:
        return "equal hits"
    said = f"UNEQUAL: {ours} ours, {theirs} theirs"
    UNEQUAL.append(f"{what}: {said}")
    return said


def ours(bench, trace, limit, ttl, what="all"):
    return json.loads(run(bench, trace, limit, ttl, what))


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
        span = args.requests // 20_000
        theirs = json.loads(run(python, "-c", LIBCACHESIM, trace, limit, args.ttl, span, 3))
        requests = mine["requests"]
        found = theirs["probe_hits"]
        print(f"libCacheSim with a TTL of {args.ttl} s, asked again after {10 * args.ttl} s: {found} hit of 2 requests")
        their_lru = requests / theirs["lru"]["s"]
        for name, label, hits in [
            ("lru", "LRU", mine["hits"]),
            ("long", "LRU + TTL beyond the trace", mine["long_hits"]),
            ("ttl", f"LRU + TTL of {args.ttl} s", mine["ttl_hits"]),
        ]:
            their_hits = round((1 - theirs[name]["miss_ratio"]) * requests)
            if name == "ttl" and found > 0:
                # Its own fault, shown above: the hits cannot be equal, but must be its own without a TTL.
                bare = round((1 - theirs["lru"]["miss_ratio"]) * requests)
                said = f"{hits} hits ours; theirs, {their_hits}, are those without a TTL"
                if their_hits != bare:
                    said = f"UNEQUAL: {their_hits} theirs with a TTL that it passes over, {bare} without one"
                    UNEQUAL.append(f"{label}: {said}")
            else:
                said = equal(label, hits, their_hits)
            a, b = requests / mine[name + "_s"], requests / theirs[name]["s"]
            print(f"{label}: {a / 1e6:.1f} M/s, libCacheSim {b / 1e6:.2f} M/s: {a / b:.1f} times ({said})")
        a = requests / mine["full_s"]
        print(f"engine, TTL, 20 ms, single-flight, all observers: {a / 1e6:.2f} M/s, libCacheSim's bare LRU "
              f"{their_lru / 1e6:.2f} M/s: {a / their_lru:.2f} times")
        recorded = folder / "recorded.toml"
        recorded.write_text(
            'name = "peers"\n[trace]\nspread = "none"\n[cache]\neviction = "lru"\n[[strategy]]\nname = "it"\nttl = "none"\n'
        )
        table, plain = folder / "table.csv", folder / "peers.csv"
        run(ttlab, "trace", "convert", trace, table, "--to", "csv")
        with plain.open("w") as out:
            subprocess.run(["cut", "-d,", "-f1,3,4", table], check=True, stdout=out)
        table.unlink()
        for file in [trace, plain]:
            # Of the wall and of the processor, the best of three each.
            mine, theirs = [float("inf")] * 2, [float("inf")] * 2
            for _ in range(3):
                told, *took = spent(ttlab, "curve", recorded, "--trace", file, "--instant", "--capacities", limit,
                                    "--json", "--threads", 1)
                mine = [min(pair) for pair in zip(mine, took)]
                seen, *took = spent(python, "-c", LIBCACHESIM, file, limit, args.ttl, span, 1)
                theirs = [min(pair) for pair in zip(theirs, took)]
            hits = round(told["cells"][0]["hit_ratio"] * requests)
            what = f"whole process from {file.suffix[1:]}"
            said = equal(what, hits, round((1 - seen["lru"]["miss_ratio"]) * requests))
            for clock, a, b in zip(["on the wall", "of processor time"], mine, theirs):
                print(f"{what}: {a:.2f} s {clock} ({requests / a / 1e6:.1f} M/s), libCacheSim {b:.2f} s "
                      f"({requests / b / 1e6:.2f} M/s): {b / a:.1f} times ({said})")
        plain.unlink()
        most = min(requests, 1_000_000)
        part = folder / "part.oracleGeneral"
        part.write_bytes(trace.read_bytes()[: 24 * most])
        # Both forget because it is full, and a TTL runs out many times over: the part lasts a twentieth of the whole.
        small, short = max(limit // 10, 1), max(args.ttl // 10, 1)
        slow = json.loads(run(python, "-c", CACHETOOLS, part, small, short, most))
        # It gives back what has died before it evicts: ours with reclaim = "eager".
        mine = ours(bench, part, small, short, "eager")
        a, b = most / mine["ttl_s"], most / slow["s"]
        what = f"cachetools.TTLCache, {small} objects, TTL {short} s"
        said = equal(what, mine["ttl_hits"], slow["hits"])
        print(f"{what}: {b / 1e6:.2f} M/s, ttlab {a / 1e6:.1f} M/s: {a / b:.0f} times ({said})")
    if UNEQUAL:
        sys.exit("not equal:\n" + "\n".join(UNEQUAL))


if __name__ == "__main__":
    main()
