# SPDX-License-Identifier: MIT
"""Real programs for tests: a headquarters and laptops in a folder of their own, on loopback, stopped at the end."""
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("FIELDBOOK_BIN", ROOT / "build/dev/bin"))
SHARED = ROOT.parent / "shared"
SECONDS = float(os.environ.get("FIELDBOOK_TEST_PATIENCE", "30"))


class Failed(Exception):
    def __init__(self, done):
        super().__init__(f"exit {done.returncode}: {done.stderr}")
        self.code, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr


def run(program, *words, check=True, timeout=600, env=None):
    """Runs a command to its end; stdout as text. Raises Failed unless check is off (then the finished process)."""
    done = subprocess.run([str(BIN / program), *map(str, words)], capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, **(env or {})})
    if check and done.returncode != 0:
        raise Failed(done)
    return done.stdout if check else done


def until(condition, what, seconds=SECONDS):
    """Waits for an event, with a bound."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"did not happen in {seconds} s: {what}")


class Node:
    """A data folder and, while started, its daemon."""
    program = ""

    def __init__(self, folder):
        self.data = pathlib.Path(folder)
        self.process = None
        self.log = self.data.parent / (self.data.name + ".log")

    def command(self, *words, check=True, **more):
        return run(self.program, *words, "--data", self.data, check=check, **more)

    def rows(self, sql, *values):
        with sqlite3.connect(f"file:{self.data}/fieldbook.db?mode=ro", uri=True, timeout=20) as db:
            return db.execute(sql, values).fetchall()

    def sql(self, text, *values):
        """A write by a foreign program: Python's own sqlite3, its own connection."""
        db = sqlite3.connect(self.data / "fieldbook.db", timeout=20)
        try:
            if values:
                db.execute(text, values)
            else:
                db.executescript(text)
            db.commit()
        finally:
            db.close()

    def shell(self, text):
        """A write by the stock sqlite3 shell."""
        done = subprocess.run(["sqlite3", "-bail", "-cmd", ".timeout 20000", str(self.data / "fieldbook.db")], input=text,
                              capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *words):
        assert self.process is None
        with self.log.open("a") as log:
            self.process = subprocess.Popen([str(BIN / self.program), "run", "--data", str(self.data), *words],
                                            stderr=log, stdout=subprocess.DEVNULL)

    def stop(self, seconds=5):
        """SIGTERM; must end in time. Returns the exit code."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.program} did not stop within {seconds} s")
        finally:
            self.process = None
        return code

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class Headquarters(Node):
    program = "fieldbook-server"

    def __init__(self, folder, *words):
        super().__init__(folder)
        self.password = run(self.program, "init", "--data", self.data, *words).strip()
        self.port = None

    def start(self, port=0, *words):
        (self.data / "address").unlink(missing_ok=True)
        super().start("--listen", f"127.0.0.1:{port or self.port or 0}", *words)
        def ready():
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            return (self.data / "address").exists() and (self.data / "address").read_text()
        self.address = until(ready, "headquarters listens")
        self.port = int(self.address.rsplit(":", 1)[1])

    def add_user(self, login, name, role="admin"):
        return self.command("user", "add", login, "--name", name, "--role", role).strip()

    def territory(self, word, *plan):
        """territory rehearse or apply, with a plan of territories; what it says."""
        path = self.data.parent / "plan.json"
        path.write_text(json.dumps({"territories": plan}))
        return json.loads(self.command("territory", word, path, "--json"))

    def invite(self, login, device=None):
        words = ["--device", device] if device else []
        return self.command("invite", "--user", login, *words).strip()


class Laptop(Node):
    program = "fieldbook-replica"

    def __init__(self, folder, hq, login, name=None):
        super().__init__(folder)
        self.hq = hq
        self.command("enrol", "--server", hq.address, "--code", hq.invite(login, name or self.data.name))

    def sync(self, *words, check=True):
        if not check:
            return self.command("sync", *words, check=False)
        return json.loads(self.command("sync", "--json", *words))

    def status(self):
        return json.loads(self.command("status", "--json"))


class World:
    """with World() as w: a headquarters that runs, in a folder that goes."""

    def __init__(self, start=True):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fieldbook-test-"))
        self.nodes = []
        self.hq = Headquarters(self.folder / "hq", "--host", "localhost")
        self.nodes.append(self.hq)
        if start:
            self.hq.start()

    def laptop(self, name, login=None, person=None, role="admin"):
        login = login or name
        if not self.hq.rows("SELECT 1 FROM fb_user WHERE login = ?", login):
            self.hq.add_user(login, person or name.capitalize(), role)
        laptop = Laptop(self.folder / name, self.hq, login, name)
        self.nodes.append(laptop)
        return laptop

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for node in self.nodes:
            node.kill()
        if error[0] is not None and os.environ.get("FIELDBOOK_KEEP"):
            print("kept", self.folder)
            return
        if error[0] is not None:
            for node in self.nodes:
                if node.log.exists():
                    print(f"--- {node.log.name}\n{node.log.read_text()[-3000:]}")
        shutil.rmtree(self.folder, ignore_errors=True)


# Tables that stay on their node, and those of which a laptop holds its own person's, team's and territory's rows only.
OTHER_SCOPES = {"found_value", "reference", "device", "receipt", "held_change", "conflict", "personal_contact", "anniversary", "lead"}


def entities(db):
    return [name for (name,) in db.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'fb\\_%' ESCAPE '\\'"
        " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name") if name not in OTHER_SCOPES]


def differences(a, b, ignore=()):
    """Rows that differ between two nodes, compared by plain SQL over every synced table: [(table, id)]."""
    found = []
    with sqlite3.connect(a.data / "fieldbook.db", timeout=20) as left, sqlite3.connect(b.data / "fieldbook.db", timeout=20) as right:
        for table in entities(left):
            if table in ignore:
                continue
            columns = [c[1] for c in left.execute(f"PRAGMA table_info(\"{table}\")")]
            text = f"SELECT {', '.join(columns)} FROM \"{table}\" ORDER BY id"
            mine, theirs = set(left.execute(text)), set(right.execute(text))
            found += [(table, row[0]) for row in mine ^ theirs]
    return found


def strangers(hq, laptop):
    """Rows of a laptop that headquarters does not hold exactly so: [(table, id)]. What a laptop lacks is its scope's to say."""
    found = []
    with sqlite3.connect(hq.data / "fieldbook.db", timeout=20) as left, sqlite3.connect(laptop.data / "fieldbook.db", timeout=20) as right:
        for table in entities(right):
            columns = [c[1] for c in right.execute(f"PRAGMA table_info(\"{table}\")")]
            text = f"SELECT {', '.join(columns)} FROM \"{table}\" ORDER BY id"
            found += [(table, row[0]) for row in set(right.execute(text)) - set(left.execute(text))]
    return found


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
