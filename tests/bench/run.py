#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The benchmarks with real programs: fieldbook-server and fieldbook-replica over TLS on loopback, judged by processor time of all
processes against plain SQLite measured in the same run, interleaved. scripts/bench builds and calls this.

run.py [--rows N] [--edits N] [--conflicts N] [--hops N] [--rounds N] [--fleet N] [--returning N] [--peers FOLDER] [--json FILE] [part...]
parts: tax wire w1 w2 w3 w4 w5 fleet return peers (all unless named)
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from browser import Browser  # noqa: E402
from fieldbook import BIN, Laptop, World, run, until  # noqa: E402

TOOLS = pathlib.Path(os.environ.get("FIELDBOOK_TEST_BIN", BIN.parent / "tests")) / "bench"
CATALOGUE = ROOT / "tests/bench/catalogue"


def tool(name, *words, timeout=900):
    """A bench tool's key=value line as a dict."""
    done = subprocess.run([str(TOOLS / name), *map(str, words)], capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0:
        raise RuntimeError(f"{name} {words}: {done.stderr}")
    return {key: float(value) if value.replace(".", "", 1).isdigit() else value
            for key, value in (pair.split("=", 1) for pair in done.stdout.split() if "=" in pair)}


def cpu_of(pid):
    """Processor seconds of all threads of a process, in ns steps where the kernel says so."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            pass
    return total / 1e9


def memory_kb(pid, key="VmRSS"):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return 0


class Relay(threading.Thread):
    """Counts bytes between laptops and headquarters; its own processor time is this process's and not counted."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.target, self.up, self.down = port, 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.target))
            for a, b, name in ((client, server, "up"), (server, client, "down")):
                threading.Thread(target=self.pump, args=(a, b, name), daemon=True).start()

    def pump(self, a, b, name):
        try:
            while data := a.recv(1 << 18):
                setattr(self, name, getattr(self, name) + len(data))
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def share_folder(folder):
    """The shipped data, with the benchmark's entity added to the catalogue."""
    shipped = BIN.parent / "share/fieldbook"
    share = folder / "share"
    share.mkdir()
    for entry in shipped.iterdir():
        if entry.name != "catalogue":
            (share / entry.name).symlink_to(entry.resolve())
    shutil.copytree(shipped / "catalogue", share / "catalogue")
    shutil.copy(CATALOGUE / "bench_contact.json", share / "catalogue")
    return share


class Bench:
    def __init__(self, options, folder):
        self.o, self.folder, self.figures = options, folder, {}
        self.world, self.laptops, self.relay = None, [], None

    def note(self, part, **values):
        for key, value in values.items():
            self.figures.setdefault(f"{part}.{key}", []).append(value)
        print(part, " ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in values.items()), flush=True)

    def plain(self):
        path = self.folder / "plain.db"
        for old in self.folder.glob("plain.db*"):
            old.unlink()
        got = tool("bench_sql", "plain", path, self.o.rows, self.o.edits)
        self.note("plain", **got)
        return got

    # ---- Headquarters with the rows, and laptops ----

    def headquarters(self):
        if self.world is None:
            self.world = World()
            self.hq = self.world.hq
            self.hq.add_user("bench", "Bench", "admin")
            empty = self.folder / "empty.db"
            self.hq.sql(f"VACUUM INTO '{empty}'")
            empty_bytes = empty.stat().st_size
            got = tool("bench_sql", "insert", self.hq.data / "fieldbook.db", self.o.rows)
            self.note("fill", hq_insert_us=got["insert_us"])
            self.settle()
            self.note("w5_hq", **self.size_over_plain(self.hq, lambda whole: empty_bytes))
            self.relay = Relay(self.hq.port)
        return self.hq

    def settle(self):
        """Until headquarters has sealed its journal and is quiet."""
        def sealed():
            time.sleep(0.1)
            return self.hq.rows("SELECT count(*) FROM fb_journal WHERE op <> 0")[0][0] == 0
        until(sealed, "the journal is sealed", 300)
        before = -1.0
        while (now := cpu_of(self.hq.process.pid)) - before > 0.005:
            before = now
            time.sleep(0.3)

    def laptop(self, direct=False):
        hq = self.headquarters()
        address = hq.address
        hq.address = hq.address if direct else f"127.0.0.1:{self.relay.port}"
        laptop = Laptop(self.world.folder / f"laptop{len(self.laptops)}", hq, "bench")
        hq.address = address
        self.laptops.append(laptop)
        self.world.nodes.append(laptop)
        return laptop

    def sync(self, laptop):
        """One `fieldbook-replica sync`: processor seconds of both ends, bytes, wall, peak memory of the laptop's side."""
        pid = self.hq.process.pid
        hq_before, up, down, wall = cpu_of(pid), self.relay.up, self.relay.down, time.monotonic()
        process = subprocess.Popen([str(BIN / "fieldbook-replica"), "sync", "--data", str(laptop.data)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        message = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"sync: exit {process.returncode}: {message}")
        wall = time.monotonic() - wall
        mine = usage.ru_utime + usage.ru_stime
        self.settle()
        return {"cpu": mine + cpu_of(pid) - hq_before, "replica": mine, "wall": wall, "up": self.relay.up - up,
                "down": self.relay.down - down, "peak_kb": usage.ru_maxrss}

    # ---- Parts ----

    def part_wire(self):
        self.note("wire", **tool("bench_wire", CATALOGUE, self.o.rows))

    def part_tax(self):
        """Writes through our triggers against none, the same table, by our own connections and by a tool that sets nothing; then what
        a download costs the store. A statement that fires triggers keeps the pages it changes aside: in memory where temp_store says
        so, else, once one statement changed more than 64 KB, in a file, and a row then costs a dozen system calls."""
        made = self.folder / "made.db"
        for old in self.folder.glob("*.db*"):
            old.unlink()
        rows = self.o.rows // 2
        tool("bench_store", "make", made, CATALOGUE)
        got = {}
        for name in ("none", "ours"):
            copy = self.folder / f"{name}.db"
            shutil.copy(made, copy)
            if name == "none":
                tool("bench_sql", "bare", copy)
            got[name] = (tool("bench_sql", "insert", copy, rows, "memory")["insert_us"],
                         tool("bench_sql", "edit", copy, rows, self.o.edits, "any", 3)["update_us"])
        copy = self.folder / "tool.db"
        shutil.copy(made, copy)
        by_tool = tool("bench_sql", "insert", copy, rows)["insert_us"]
        apply = self.folder / "apply.db"
        loaded = tool("bench_store", "apply", apply, CATALOGUE, self.o.rows)
        plain = self.plain()
        self.note("tax", insert_ratio=got["ours"][0] / got["none"][0], tool_insert_ratio=by_tool / got["none"][0], update_ratio=got["ours"][1] / got["none"][1],
                  insert_none_us=got["none"][0], update_none_us=got["none"][1],
                  first_load_ratio=loaded["first_load_us"] / plain["insert_us"],
                  upsert_ratio=loaded["upsert_us"] / plain["update_us"])

    def part_w1(self):
        laptop = self.laptop()
        plain = self.plain()
        before_kb = memory_kb(self.hq.process.pid)
        got = self.sync(laptop)
        rows = laptop.rows("SELECT count(*) FROM bench_contact")[0][0]
        assert rows == self.o.rows, f"{rows} rows arrived"
        us = got["cpu"] * 1e6 / rows
        self.note("w1", ratio=us / plain["insert_us"], us_per_row=us, rows_per_cpu_s=rows / got["cpu"], wall_s=got["wall"],
                  wire_bytes_per_row=(got["up"] + got["down"]) / rows, replica_share=got["replica"] / got["cpu"],
                  replica_growth_mb=(got["peak_kb"] - self.sync(laptop)["peak_kb"]) / 1024,
                  hq_growth_mb=(memory_kb(self.hq.process.pid, "VmHWM") - before_kb) / 1024)

    def ready_laptops(self, count):
        while len(self.laptops) < count:
            self.sync(self.laptop())
        return self.laptops[:count]

    def seed(self):
        self.o.seed += 2
        return self.o.seed

    # Uploads are measured with daemons that are connected: they are stopped (SIGSTOP) while a tool edits, which is offline for a
    # second or two, then go on; what counts is the processor time of all until everything rests again.

    def live(self, laptops):
        for laptop in laptops:
            if laptop.process is None:
                self.sync(laptop)
                laptop.start()
        def connected():
            time.sleep(0.2)
            return all((x.status()["daemon"] or {}).get("state") == "connected" for x in laptops)
        until(connected, "the laptops are connected", 30)
        self.rest(laptops)

    def cpu_of_all(self, laptops):
        return {node: cpu_of(node.process.pid) for node in (self.hq, *laptops)}

    def rest(self, laptops, awake=None):
        """Until nothing of those awake waits to be sent and nobody works any more; returns everybody's processor time then."""
        def sent():
            time.sleep(0.1)
            return all(x.rows("SELECT count(*) FROM fb_journal WHERE op <> 0")[0][0] == 0 for x in awake or laptops)
        until(sent, "everything is sent", 300)
        quiet, before = 0, self.cpu_of_all(laptops)
        while quiet < 3:
            time.sleep(0.3)
            now = self.cpu_of_all(laptops)
            quiet = quiet + 1 if sum(now.values()) - sum(before.values()) < 0.01 else 0
            before = now
        return before

    def edit_offline(self, edits):
        """edits: [(laptop, count, kind, seed)]; returns what sending and settling them cost."""
        laptops = [laptop for laptop, *_ in edits]
        for laptop in laptops:
            laptop.process.send_signal(signal.SIGSTOP)
        for laptop, count, kind, seed in edits:
            tool("bench_sql", "edit", laptop.data / "fieldbook.db", self.o.rows, count, kind, seed)
        before, up, down, wall = self.cpu_of_all(laptops), self.relay.up, self.relay.down, time.monotonic()
        for i, laptop in enumerate(laptops):
            laptop.process.send_signal(signal.SIGCONT)
            after = self.rest(laptops, laptops[:i + 1])
        cpu = {node: after[node] - before[node] for node in after}
        return {"cpu": sum(cpu.values()), "hq": cpu[self.hq], "wall": time.monotonic() - wall - 0.9 * len(laptops),
                "up": self.relay.up - up, "down": self.relay.down - down}

    def part_w2(self):
        (laptop,) = self.ready_laptops(1)
        self.live([laptop])
        plain = self.plain()
        got = self.edit_offline([(laptop, self.o.edits, "any", seed := self.seed())])
        checked = tool("bench_sql", "check", self.hq.data / "fieldbook.db", self.o.rows, self.o.edits, "any", seed)
        us = got["cpu"] * 1e6 / self.o.edits
        self.note("w2", ratio=us / plain["update_us"], us_per_edit=us, edits_per_cpu_s=self.o.edits / got["cpu"],
                  wall_s=got["wall"], push_bytes_per_edit=got["up"] / self.o.edits,
                  answer_bytes_per_edit=got["down"] / self.o.edits, hq_share=got["hq"] / got["cpu"],
                  arrived=checked["kept"] / checked["edits"])

    def conflicts(self):
        return self.hq.rows("SELECT count(*) FROM conflict")[0][0]

    def part_w3(self):
        laptops = self.ready_laptops(2)
        for kinds, name in ((("a", "b"), "different"), (("same", "same"), "same")):
            self.live(laptops)
            seed, before = self.seed(), self.conflicts()
            edits = [(laptop, self.o.conflicts, kind, seed + i) for i, (laptop, kind) in enumerate(zip(laptops, kinds))]
            got = self.edit_offline(edits)
            stand = [tool("bench_sql", "check", self.hq.data / "fieldbook.db", self.o.rows, *e[1:]) for e in edits]
            sums = {tool("bench_sql", "digest", n.data / "fieldbook.db")["digest"] for n in (*laptops, self.hq)}
            conflicts = self.conflicts() - before
            self.note(f"w3_{name}", edited_rows_per_cpu_s=2 * self.o.conflicts / got["cpu"],
                      field_edits_per_cpu_s=sum(s["edits"] for s in stand) / got["cpu"],
                      kept_a=stand[0]["kept"] / stand[0]["edits"], kept_b=stand[1]["kept"] / stand[1]["edits"],
                      conflicts=conflicts, losers_in_list=conflicts / max(1, sum(s["edits"] - s["kept"] for s in stand)),
                      sides_equal=int(len(sums) == 1))

    def part_w4(self):
        hq = self.headquarters()
        while len(self.laptops) < 2:
            self.sync(self.laptop())
        direct = [self.laptop(direct=True), self.laptop(direct=True)]
        for laptop in direct:
            laptop.command("sync")
            laptop.start()
        def connected(x):
            time.sleep(0.2)
            return (x.status()["daemon"] or {}).get("state") == "connected"
        until(lambda: all(map(connected, direct)), "both laptops are connected", 30)
        a, b = (x.data / "fieldbook.db" for x in direct)
        for name, source, target in (("up", a, hq.data / "fieldbook.db"), ("down", hq.data / "fieldbook.db", b), ("two_hops", a, b)):
            self.note(f"w4_{name}", **tool("bench_sql", "hop", source, target, self.o.hops))
        for laptop in direct:
            laptop.stop()

    def size_without_rows(self, path):
        """Of the file, had it not a row of the benchmark: tables, seed, kept pushes."""
        import sqlite3
        copy, small = self.folder / "copy.db", self.folder / "small.db"
        shutil.copy(path, copy)
        small.unlink(missing_ok=True)
        tool("bench_sql", "bare", copy)
        with sqlite3.connect(copy) as db:
            db.execute("DELETE FROM bench_contact")
            db.commit()
            db.execute(f"VACUUM INTO '{small}'")
        return small.stat().st_size

    def part_w5(self):
        (laptop,) = self.ready_laptops(1)
        if laptop.process is None:
            self.sync(laptop)
        self.note("w5_replica", **self.size_over_plain(laptop, self.size_without_rows))

    def size_over_plain(self, node, fixed_of):
        whole, table = self.folder / "whole.db", self.folder / "table.db"
        for path in (whole, table):
            path.unlink(missing_ok=True)
        node.sql(f"VACUUM INTO '{whole}'")
        subprocess.run(["sqlite3", str(table)], check=True, text=True, capture_output=True, input=self.plain_copy(whole))
        fixed, plain = fixed_of(whole), table.stat().st_size
        extra = whole.stat().st_size - fixed - plain
        return {"bytes_over_plain_per_row": extra / self.o.rows, "plain_bytes_per_row": plain / self.o.rows,
                "over_plain_percent": 100 * extra / plain, "fixed_mb": fixed / 2**20}

    def plain_copy(self, path):
        """SQL that copies the one table and its indexes, as anybody's schema would have them."""
        import sqlite3
        with sqlite3.connect(path) as db:
            texts = [t for (t,) in db.execute("SELECT sql FROM sqlite_schema WHERE tbl_name = 'bench_contact'"
                                              " AND type IN ('table', 'index') AND sql IS NOT NULL ORDER BY type DESC")]
        return (";\n".join(texts) + f";\nATTACH '{path}' AS source;\n"
                "INSERT INTO main.bench_contact SELECT * FROM source.bench_contact;\nDETACH source;\nVACUUM;\n")

    def part_fleet(self):
        """Idle and returning laptops, in a headquarters of their own."""
        with World(start=False) as world:
            hq = world.hq
            hq.add_user("bench", "Bench", "admin")
            tool("bench_fleet", "enrol", hq.data, self.o.fleet)
            hq.start()
            time.sleep(2)
            pid = hq.process.pid
            empty_kb, cpu = memory_kb(pid), cpu_of(pid)
            fleet = subprocess.Popen([str(TOOLS / "bench_fleet"), "connect", str(hq.data), str(self.o.fleet), hq.address],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            first = fleet.stdout.readline().strip()
            first_cpu = cpu_of(pid) - cpu
            time.sleep(5)
            idle_from, idle_kb = cpu_of(pid), memory_kb(pid)
            time.sleep(20)
            idle_cpu = (cpu_of(pid) - idle_from) / 20
            def tell():
                fleet.stdin.write("\n")
                fleet.stdin.flush()
                return fleet.stdout.readline().strip()
            tell()  # all cut
            time.sleep(3)
            cpu = cpu_of(pid)
            again = tell()
            returned_cpu = cpu_of(pid) - cpu
            fleet.stdin.close()
            fleet.wait(60)
            self.note("fleet", kb_per_idle_laptop=(idle_kb - empty_kb) / self.o.fleet, idle_cpu_percent=100 * idle_cpu,
                      first_contact_ms_each=1000 * first_cpu / self.o.fleet,
                      return_cpu_s_of_10000=returned_cpu * 10000 / self.o.fleet, first=first, again=again)

    def part_return(self):
        """Many laptops come back at once after a week, each with 50 edits of its own accounts, while somebody reads at headquarters' pages."""
        count, edits = self.o.returning, 50
        with World(start=False) as world:
            hq = world.hq
            hq.add_user("bench", "Bench", "admin")
            hq.sql(f"""WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count - 1})
                       INSERT INTO employee (code, user_name, family_name, status) SELECT 'r' || i, 'r' || i, 'Rep', 'active' FROM n;
                       INSERT INTO employee_role (employee_id, role_id) SELECT e.id, r.id FROM employee e, role r
                         WHERE e.user_name GLOB 'r[0-9]*' AND r.name = 'rep';
                       INSERT INTO company (name, owner_id) SELECT 'Company ' || user_name, id FROM employee WHERE user_name GLOB 'r[0-9]*';
                       WITH RECURSIVE n(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM n WHERE k < {edits - 1})
                       INSERT INTO contact (id, family_name, company_id, owner_id)
                         SELECT printf('01890000-0000-7000-8000-%012d', substr(e.user_name, 2) * {edits} + k), 'Contact ' || k, c.id, e.id
                         FROM n, employee e JOIN company c ON c.owner_id = e.id WHERE e.user_name GLOB 'r[0-9]*';""")
            tool("bench_fleet", "enrol", hq.data, count)
            hq.start()
            until(lambda: hq.rows("SELECT count(*) FROM fb_journal WHERE op <> 0") == [(0,)], "headquarters has taken it all in", 300)
            login = Browser(hq.port, hq.data / "tls/ca.pem").must_login("admin", hq.password)
            pid = hq.process.pid
            fleet = subprocess.Popen([str(TOOLS / "bench_fleet"), "return", str(hq.data), str(count), hq.address],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            ready = fleet.stdout.readline().strip()
            fleet.stdout.readline()  # all are cut
            # The week: one contact in ten is edited at headquarters.
            hq.sql("UPDATE contact SET department = 'Purchasing' WHERE id GLOB '*0' AND family_name <> ''")
            until(lambda: hq.rows("SELECT count(*) FROM fb_journal WHERE op <> 0") == [(0,)], "the week is in the log", 300)
            reads, is_over = [], threading.Event()
            boss = Browser(hq.port, hq.data / "tls/ca.pem")  # an idle connection is closed after a minute
            boss.cookies = login.cookies
            def read():
                while not is_over.is_set():
                    began = time.monotonic()
                    status, _, _ = boss.ask("GET", "/api/v1/contact?limit=50&sort=family_name")
                    assert status == 200, status
                    reads.append(time.monotonic() - began)
                    time.sleep(0.05)
            reader = threading.Thread(target=read, daemon=True)
            reader.start()
            cpu, began = cpu_of(pid), time.monotonic()
            fleet.stdin.write("\n")
            fleet.stdin.flush()
            back = fleet.stdout.readline().strip()
            wall, cpu = time.monotonic() - began, cpu_of(pid) - cpu
            is_over.set()
            reader.join()
            fleet.wait(60)
            reads.sort()
            stand = hq.rows("SELECT count(*) FROM contact WHERE job_title = 'Head of purchasing'")[0][0]
            self.note("return", stand=stand / (count * edits), hq_cpu_s=cpu, wall_s=wall, peak_mb=memory_kb(pid, "VmHWM") / 1024,
                      hq_reads=len(reads), hq_read_p50_ms=1000 * reads[len(reads) // 2], hq_read_p99_ms=1000 * reads[len(reads) * 99 // 100],
                      ready=ready, **{key: float(value) for key, value in (pair.split("=", 1) for pair in back.split() if "=" in pair)})

    def part_peers(self):
        peers = self.o.peers
        if not peers or not pathlib.Path(peers).is_dir():
            print("peers: their drivers are not here, skipped")
            return
        data, work = self.folder / "data", self.folder / "peers"
        if not data.exists():
            data.mkdir()
            work.mkdir()
            work.chmod(0o777)
            tool("bench_sql", "files", data, self.o.rows, self.o.edits, self.o.conflicts)
            subprocess.run(["gcc", "-O2", "-w", "-DSQLITE_ENABLE_SESSION", "-DSQLITE_ENABLE_PREUPDATE_HOOK", "-o", work / "inproc",
                            f"{peers}/inproc.c", "-lsqlite3", "-lzstd"], check=True)
        for name, command in self.peer_commands(peers, data, work):
            done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
            for line in done.stdout.splitlines():
                words = line.split()
                key = " ".join(w for w in words if "=" not in w)
                values = dict(w.split("=", 1) for w in words if "=" in w)
                for field in ("rows_per_cpu_s", "p50_ms", "p99_ms", "kept_a", "kept_b"):
                    if field in values:
                        self.figures.setdefault(f"peer {name} {key}.{field}", []).append(float(values[field]))
            if done.returncode != 0:
                print(f"peer {name}: exit {done.returncode}: {done.stderr[-300:]}")

    def peer_commands(self, peers, data, work):
        yield "session", [str(work / "inproc"), "session", "-", str(data), str(work)]
        if os.environ.get("PEER_NODE_MODULES") and shutil.which("node"):
            yield "rxdb", ["node", "--max-old-space-size=6000", f"{peers}/rxdb.mjs", str(data)]
            yield "pouchdb", ["node", "--max-old-space-size=6000", f"{peers}/pouch.mjs", str(data), str(work / "pouch")]
        if pathlib.Path("/usr/lib/postgresql/15/bin/initdb").exists():
            yield "postgresql", [f"{peers}/pg.sh", str(data), str(work / "pg")]


# What performance must be, and what we aim at: {figure: (must, aim, True if less is better)}.
GOALS = {
    "w1.ratio": (3.0, 2.2, True), "w1.wire_bytes_per_row": (190, 150, True), "w1.replica_growth_mb": (64, 32, True),
    "w1.hq_growth_mb": (64, 32, True), "w2.ratio": (6.5, 4.5, True),  "w2.push_bytes_per_edit": (60, 50, True),
    "w3_different.edited_rows_per_cpu_s": (10000, 14000, False), "w3_different.kept_a": (1, 1, False),
    "w3_different.kept_b": (1, 1, False), "w3_same.sides_equal": (1, 1, False), "w3_same.losers_in_list": (1, 1, False),
    "w4_up.p50_ms": (2, 1, True), "w4_up.p99_ms": (10, 5, True), "w4_down.p50_ms": (2, 1, True),
    "w4_down.p99_ms": (10, 5, True), "w4_two_hops.p50_ms": (5, 3, True), "w4_two_hops.p99_ms": (20, 10, True),
    "w5_replica.over_plain_percent": (2, 0, True), "w5_hq.bytes_over_plain_per_row": (250, 150, True),
    "tax.insert_ratio": (2.0, 1.75, True), "tax.tool_insert_ratio": (2.0, 1.75, True), "tax.update_ratio": (2.0, 1.75, True), "tax.first_load_ratio": (None, None, True),
    "fleet.kb_per_idle_laptop": (40, 28, True), "fleet.return_cpu_s_of_10000": (14, 11, True),
}


def verdict(name, value):
    if name not in GOALS or GOALS[name][0] is None:
        return ""
    must, aim, less = GOALS[name]
    def reached(goal):
        return value <= goal if less else value >= goal
    return f"{must:>8g} {aim:>8g}  " + ("aim reached" if reached(aim) else "must reached" if reached(must) else "MISSED")


def table(figures):
    print(f"\n{'figure':44} {'median':>10} {'min':>10} {'max':>10} {'must':>8} {'aim':>8}")
    for name, values in figures.items():
        if all(isinstance(v, (int, float)) for v in values):
            middle = statistics.median(values)
            print(f"{name:44} {middle:10.4g} {min(values):10.4g} {max(values):10.4g} {verdict(name, middle)}")
        else:
            print(f"{name:44} {values[-1]}")


def main():
    p = argparse.ArgumentParser(description=__doc__)
    for name, value in (("rows", 100000), ("edits", 20000), ("conflicts", 5000), ("hops", 200), ("rounds", 5), ("fleet", 10000), ("returning", 2000)):
        p.add_argument(f"--{name}", type=int, default=value)
    p.add_argument("--seed", type=int, default=100)
    p.add_argument("--peers", default=str(ROOT.parent / "shared/peers"))
    p.add_argument("--json")
    p.add_argument("parts", nargs="*", default=[])
    o = p.parse_args()
    repeated = ["wire", "tax", "w1", "w2", "peers"]
    # W3 leaves conflicts behind, which are rows too: after the downloads. The rest needs no second round.
    once = ["w4", "w5", *["w3"] * o.rounds, "fleet", "return"]
    parts = o.parts or repeated + once
    folder = pathlib.Path(tempfile.mkdtemp(prefix="fieldbook-bench-"))
    folder.chmod(0o755)  # PostgreSQL's driver runs as another user
    bench = Bench(o, folder)
    try:
        os.environ["FIELDBOOK_SHARE"] = str(share_folder(folder))
        for _ in range(o.rounds):
            for part in repeated:
                if part in parts:
                    getattr(bench, f"part_{part}")()
        for part in once:
            if part in parts:
                getattr(bench, f"part_{part}")()
    finally:
        if bench.world is not None:
            bench.world.__exit__(*sys.exc_info())
        shutil.rmtree(folder, ignore_errors=True)
        table(bench.figures)
        if o.json:
            pathlib.Path(o.json).write_text(json.dumps(bench.figures, indent=1))


if __name__ == "__main__":
    main()
