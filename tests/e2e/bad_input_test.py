#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bad input by hand: each ends in one sentence that says what to do, the right exit code, and nothing lost."""
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

import fieldbook
from fieldbook import Headquarters, World, run

USAGE, CONFIG, UNREACHABLE, REFUSED, DATABASE, BUSY = 2, 3, 4, 5, 6, 8


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.world.__enter__()
        cls.hq = cls.world.hq
        cls.ana = cls.world.laptop("ana")
        cls.ana.sync()

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def refuse(self, done, code, *words):
        self.assertEqual(done.returncode, code, done.stderr)
        sentences = [line for line in done.stderr.splitlines() if not line.startswith("ts=")]
        self.assertEqual(len(sentences), 1, done.stderr)
        for word in words:
            self.assertIn(word, sentences[0])
        return sentences[0]

    def folder(self):
        return pathlib.Path(tempfile.mkdtemp(dir=self.world.folder))

    def test_unknown_command(self):
        self.refuse(run("fieldbook-server", "confict", "list", check=False), USAGE, "did you mean", "conflict list")
        self.refuse(run("fieldbook-replica", "telephone", check=False), USAGE, "--help")

    def test_unknown_option_and_missing_argument(self):
        self.refuse(self.hq.command("invite", "--usr", "ana", check=False), USAGE, "did you mean --user")
        self.refuse(self.hq.command("invite", check=False), USAGE, "--user")
        self.refuse(self.hq.command("conflict", "show", check=False), USAGE, "conflict show ID")

    def test_no_data_folder_named(self):
        self.refuse(run("fieldbook-replica", "sync", check=False, env={"FIELDBOOK_DATA": ""}), USAGE, "--data")

    def test_unknown_field_in_a_match(self):
        csv = self.folder() / "c.csv"
        csv.write_text("name\nAcme\n")
        self.refuse(self.hq.command("import", "company", csv, "--match", "nmae", check=False), 1, "nmae")
        self.refuse(self.hq.command("import", "compani", csv, check=False), 1, "compani")

    def test_a_mapping_that_names_what_is_not_there(self):
        folder = self.folder()
        csv = folder / "c.csv"
        csv.write_text("name\nAcme\n")
        mapping = folder / "m.json"
        mapping.write_text(json.dumps({"entity": "company", "rows": [{"entity": "company", "set": {"name": "Nmae"}}]}))
        self.refuse(self.hq.command("import", "company", csv, "--mapping", mapping, check=False), 1, "Nmae")
        mapping.write_text("{ not json")
        self.refuse(self.hq.command("import", "company", csv, "--mapping", mapping, check=False), 1, "m.json")

    def test_a_broken_catalogue_file(self):
        share = self.folder() / "share"
        shutil.copytree(fieldbook.ROOT / "common/catalogue/entities", share / "catalogue")
        shutil.copytree(fieldbook.ROOT / "share/seed", share / "seed")
        company = json.loads((share / "catalogue/company.json").read_text())
        company["fields"][0]["merge"] = "servr"
        (share / "catalogue/company.json").write_text(json.dumps(company))
        data = self.folder() / "hq"
        done = run("fieldbook-server", "init", "--data", data, check=False, env={"FIELDBOOK_SHARE": str(share)})
        self.refuse(done, 1, "company.json", "servr", "server")

    def test_a_damaged_database(self):
        for keep in (4096, 40000):
            data = self.folder() / "laptop"
            shutil.copytree(self.ana.data, data)
            (data / "lock").unlink(missing_ok=True)
            for tail in ("-wal", "-shm"):
                (data / ("fieldbook.db" + tail)).unlink(missing_ok=True)
            whole = (data / "fieldbook.db").read_bytes()
            (data / "fieldbook.db").write_bytes(whole[:keep] + os.urandom(len(whole) - keep))
            done = run("fieldbook-replica", "doctor", "--data", data, check=False)
            self.refuse(done, DATABASE, "damaged")
        data = self.folder() / "laptop2"
        shutil.copytree(self.ana.data, data)
        (data / "fieldbook.db").write_bytes(b"this is not a database at all, not even nearly" * 100)
        for tail in ("-wal", "-shm"):
            (data / ("fieldbook.db" + tail)).unlink(missing_ok=True)
        self.refuse(run("fieldbook-replica", "status", "--data", data, check=False), DATABASE)

    def test_a_newer_database(self):
        data = self.folder() / "laptop"
        shutil.copytree(self.ana.data, data)
        db = sqlite3.connect(data / "fieldbook.db")
        db.execute("PRAGMA user_version = 9999")
        db.commit()
        db.close()
        self.refuse(run("fieldbook-replica", "status", "--data", data, check=False), DATABASE, "newer")

    def test_another_programs_database(self):
        data = self.folder() / "laptop"
        data.mkdir()
        db = sqlite3.connect(data / "fieldbook.db")
        db.execute("CREATE TABLE recipes (name TEXT)")
        db.commit()
        db.close()
        self.refuse(run("fieldbook-replica", "status", "--data", data, check=False), CONFIG, "another program")
        self.assertEqual(sqlite3.connect(data / "fieldbook.db").execute("SELECT count(*) FROM sqlite_schema").fetchone(), (1,))

    def test_the_wrong_kind_of_node(self):
        self.refuse(run("fieldbook-replica", "status", "--data", self.hq.data, check=False), CONFIG, "belongs to a headquarters")
        self.refuse(run("fieldbook-server", "status", "--data", self.ana.data, check=False), CONFIG, "belongs to a laptop")

    def test_a_port_in_use(self):
        other = Headquarters(self.folder() / "hq2")
        done = other.command("run", "--listen", self.hq.address, check=False, timeout=20)
        self.refuse(done, BUSY, str(self.hq.port))

    def test_a_key_others_can_read(self):
        other = Headquarters(self.folder() / "hq3")
        os.chmod(other.data / "tls/server.key", 0o644)
        self.refuse(other.command("run", "--listen", "127.0.0.1:0", check=False, timeout=20), CONFIG, "chmod 600")
        data = self.folder() / "laptop"
        shutil.copytree(self.ana.data, data)
        os.chmod(data / "key.pem", 0o644)
        self.refuse(run("fieldbook-replica", "sync", "--data", data, check=False), CONFIG, "chmod 600")

    def test_a_second_daemon_on_the_same_folder(self):
        done = self.hq.command("run", "--listen", "127.0.0.1:0", check=False, timeout=20)
        self.refuse(done, BUSY, "stop it first")
        self.ana.start()
        try:
            fieldbook.until(lambda: '"connected"' in (self.ana.data / "state.json").read_text(), "the daemon is up")
            self.refuse(self.ana.sync(check=False), BUSY, "daemon is running")
        finally:
            self.ana.stop()

    def test_a_wrong_server_address(self):
        port = fieldbook.free_port()
        self.refuse(self.ana.sync("--server", f"127.0.0.1:{port}", check=False), UNREACHABLE, str(port))
        self.refuse(self.ana.sync("--server", "no-such-host.invalid:7443", check=False), UNREACHABLE, "no-such-host")
        self.refuse(self.ana.sync("--server", "127.0.0.1:99999", check=False), CONFIG, "99999")

    def test_a_full_disk(self):
        """On a tmpfs of its own the laptop's edit fails cleanly, nothing is lost, and room brings it back."""
        mount = self.folder()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(mount)], capture_output=True).returncode != 0:
            self.skipTest("cannot mount a small tmpfs here")
        try:
            small = fieldbook.Laptop(mount / "small", self.hq, "ana", "small")
            small.sync()
            self.hq.sql("INSERT INTO skill (name, description) SELECT 's' || value, hex(randomblob(4000))"
                        " FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 800) SELECT value FROM n) WHERE 1 = ?", 1)
            done = small.sync(check=False)
            self.refuse(done, 1, "full")
            self.assertEqual(small.rows("SELECT count(*) FROM skill WHERE name LIKE 's%' AND length(description) = 8000")[0][0], 0)
            subprocess.run(["mount", "-o", "remount,size=64m", str(mount)], check=True)
            small.sync()
            self.assertEqual(fieldbook.differences(self.hq, small), [])
        finally:
            subprocess.run(["umount", "-l", str(mount)], check=False)

    def test_a_reused_and_a_mistyped_code(self):
        code = self.hq.invite("ana", "second")
        words = ("enrol", "--server", self.hq.address, "--code", code)
        run("fieldbook-replica", *words, "--data", self.folder() / "a")
        self.refuse(run("fieldbook-replica", *words, "--data", self.folder() / "b", check=False), REFUSED, "used already")
        self.refuse(run("fieldbook-replica", "enrol", "--server", self.hq.address, "--code", "HELLO", "--data",
                        self.folder() / "c", check=False), 1, "invite")

    def test_a_code_of_another_headquarters(self):
        other = Headquarters(self.folder() / "hq4")
        other.add_user("bob", "Bob")
        code = other.invite("bob")
        self.refuse(run("fieldbook-replica", "enrol", "--server", self.hq.address, "--code", code, "--data",
                        self.folder() / "d", check=False), REFUSED)

    def test_configuration_mistakes(self):
        data = self.folder() / "laptop"
        shutil.copytree(self.ana.data, data)
        (data / "replica.conf").write_text("[log]\nlevle = debug\n")
        self.refuse(run("fieldbook-replica", "config", "check", "--data", data, check=False), CONFIG, "replica.conf:2", "log.level")
        (data / "replica.conf").write_text("[log]\nlevel = loud\n")
        self.refuse(run("fieldbook-replica", "sync", "--data", data, check=False), CONFIG, "loud")

    def test_errors_as_json(self):
        done = self.ana.sync("--json", "--server", "127.0.0.1:1", check=False)
        error = json.loads(done.stderr.splitlines()[-1])
        self.assertEqual((done.returncode, error["exit"], error["error"]), (UNREACHABLE, UNREACHABLE, "UNREACHABLE"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
