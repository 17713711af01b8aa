#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Backups and what becomes of the fleet when one is put back: real programs, stock tar and sha256sum as witnesses."""
import json
import os
import pathlib
import shutil
import subprocess
import threading
import unittest

from fieldbook import Failed, World, differences, run, until

COMPANY = "INSERT INTO company (name, kind, status, owner_id) SELECT ?, 'prospect', 'active', id FROM employee LIMIT 1"


def names(node):
    return {name for (name,) in node.rows("SELECT name FROM company")}


class Backups(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.hq = self.world.hq
        self.file = self.world.folder / "monday.backup"

    def tearDown(self):
        self.world.__exit__(None, None, None)

    def backup(self, path=None):
        return json.loads(self.hq.command("backup", path or self.file, "--json"))

    def restore(self, *words, check=True, data=None):
        return run("fieldbook-server", "restore", *words, "--data", data or self.hq.data, check=check)

    def test_a_backup_is_taken_while_laptops_push_and_opens_with_stock_tools(self):
        ana = self.world.laptop("ana")
        ana.sync()
        ana.start()
        stop = threading.Event()

        def write():
            n = 0
            while not stop.is_set():
                ana.sql(COMPANY, f"Busy {n}")
                n += 1
        writer = threading.Thread(target=write)
        writer.start()
        until(lambda: "Busy 3" in names(self.hq), "pushes arrive")
        told = self.backup()
        stop.set()
        writer.join()
        self.assertEqual(ana.stop(), 0)
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        self.assertEqual(told["file_bytes"], self.file.stat().st_size)
        folder = self.world.folder / "unpacked"
        folder.mkdir()
        subprocess.run(["tar", "--zstd", "-xf", self.file, "-C", folder], check=True)
        subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
        self.assertEqual((folder / "tls/issuer.key").stat().st_mode & 0o777, 0o600)
        out = subprocess.run(["sqlite3", folder / "fieldbook.db", "PRAGMA integrity_check; SELECT max(rev) FROM fb_rev"],
                             capture_output=True, text=True, check=True).stdout.split()
        self.assertEqual(out, ["ok", str(told["rev"])])
        self.assertEqual(list(self.world.folder.glob("monday.backup.*")), [], "nothing is left beside it")

    def test_an_existing_file_is_not_touched(self):
        self.file.write_text("precious")
        with self.assertRaises(Failed) as failed:
            self.backup()
        self.assertIn("is there already", failed.exception.stderr)
        self.assertEqual(self.file.read_text(), "precious")

    def test_what_laptops_wrote_after_the_backup_comes_back_from_them(self):
        ana, bob = self.world.laptop("ana"), self.world.laptop("bob")
        ana.sync()
        ana.sql(COMPANY, "Before")
        ana.sync()
        bob.sync()
        self.backup()
        ana.sql(COMPANY, "Ana's later")
        bob.sql("UPDATE company SET website = 'https://bob.example' WHERE name = 'Before'")
        ana.sync()
        bob.sync()
        ana.sync()
        self.hq.stop()
        told = self.restore(self.file, "--dry-run", "--json")
        report, *ahead = [json.loads(line) for line in told.splitlines()]
        self.assertEqual((report["pushed_revs"], report["related"], report["late_devices"]), (2, True, 0))
        self.assertEqual({(a["laptop"], a["pushes"]) for a in ahead}, {("ana", 1), ("bob", 1)})
        self.assertIn("Ana's later", names(self.hq), "a dry run changes nothing")
        self.assertFalse((self.hq.data / "restore.new").exists())
        self.restore(self.file)
        self.assertNotIn("Ana's later", names(self.hq))
        self.assertTrue(list(self.hq.data.glob("before-restore-1/fieldbook.db")), "what stood there is kept")
        self.hq.start()
        ana.sql(COMPANY, "Meanwhile offline")
        for laptop in (ana, bob, ana, bob):
            laptop.sync()
        self.assertEqual(names(self.hq), {"Before", "Ana's later", "Meanwhile offline"})
        self.assertEqual(self.hq.rows("SELECT website FROM company WHERE name = 'Before'"), [("https://bob.example",)])
        self.assertEqual(self.hq.rows("SELECT count(*) FROM conflict"), [(0,)])
        self.assertEqual(self.hq.rows("SELECT count(*) FROM fb_timeline WHERE parent IS NOT NULL AND forked_at_rev > 0"), [(1,)])
        for laptop in (ana, bob):
            self.assertEqual(differences(self.hq, laptop), [])
        self.hq.command("verify")

    def test_headquarters_moves_to_a_new_machine_with_its_keys(self):
        ana = self.world.laptop("ana")
        ana.sync()
        self.backup()
        self.hq.stop()
        moved = self.world.folder / "new-machine"
        self.restore(self.file, data=moved)
        self.assertEqual((moved / "tls/issuer.key").stat().st_mode & 0o777, 0o600)
        shutil.rmtree(self.hq.data)
        moved.rename(self.hq.data)
        self.hq.start(port=self.hq.port)
        ana.sql(COMPANY, "After the move")
        ana.sync()
        self.assertIn("After the move", names(self.hq))

    def test_who_was_shut_out_since_stays_out(self):
        ana = self.world.laptop("ana")
        ana.sync()
        self.backup()
        self.hq.command("device", "revoke", self.hq.rows("SELECT id FROM device")[0][0])
        self.hq.stop()
        self.restore(self.file)
        self.hq.start()
        done = ana.sync(check=False)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertEqual(self.hq.rows("SELECT state FROM device"), [("revoked",)])

    # ---- Set back without the tool ----

    def copy_database(self, where):
        self.hq.stop()
        where.mkdir()
        for path in self.hq.data.glob("fieldbook.db*"):
            shutil.copy(path, where)

    def put_back_by_hand(self, where, with_mark=False):
        self.hq.stop()
        for name in ("fieldbook.db-wal", "fieldbook.db-shm", "fieldbook.db"):
            (self.hq.data / name).unlink(missing_ok=True)
        if not with_mark:
            (self.hq.data / "high-water").unlink(missing_ok=True)
        for path in where.iterdir():
            shutil.copy(path, self.hq.data)

    def test_a_copied_back_database_refuses_everybody_until_an_admin_confirms(self):
        ana, bob = self.world.laptop("ana"), self.world.laptop("bob")
        ana.sync()
        bob.sync()
        old = self.world.folder / "old"
        self.copy_database(old)
        self.hq.start()
        ana.sql(COMPANY, "Delivered")
        ana.sync()
        self.put_back_by_hand(old)
        self.hq.start()
        bob.sql(COMPANY, "Bob knows nothing yet")
        bob.sync()
        done = ana.sync(check=False)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("set back to an older state", done.stderr)
        until(lambda: "event=rewound" in self.hq.log.read_text() or "rewound" in self.hq.log.read_text(), "headquarters says so")
        bob.sql(COMPANY, "Bob waits")
        self.assertEqual(bob.sync(check=False).returncode, 5, "now everybody is refused")
        self.assertNotIn("Bob waits", names(self.hq))
        self.hq.stop()
        self.hq.start()
        self.assertEqual(ana.sync(check=False).returncode, 5, "a restart settles nothing")
        self.hq.command("restore", "--confirm")
        for laptop in (ana, bob, ana, bob):
            laptop.sync()
        self.assertEqual(names(self.hq), {"Delivered", "Bob knows nothing yet", "Bob waits"})
        for laptop in (ana, bob):
            self.assertEqual(differences(self.hq, laptop), [])
        self.hq.command("verify")

    def test_the_mark_beside_the_database_tells_at_once(self):
        ana = self.world.laptop("ana")
        ana.sync()
        old = self.world.folder / "old"
        self.copy_database(old)
        self.hq.start()
        ana.sql(COMPANY, "Delivered")
        ana.sync()
        self.put_back_by_hand(old, with_mark=True)
        self.hq.start()
        until(lambda: "rewound" in self.hq.log.read_text(), "nobody had to connect")
        self.hq.command("restore", "--confirm")
        ana.sync()
        self.assertEqual(names(self.hq), {"Delivered"})

    def test_what_headquarters_lost_is_found_where_a_laptop_had_it(self):
        ana = self.world.laptop("ana")
        self.hq.sql(COMPANY, "Known")
        ana.sync()
        self.backup()
        self.hq.sql("UPDATE company SET website = 'https://typed-at-hq.example' WHERE name = 'Known'")
        self.hq.sql(COMPANY, "Made at headquarters")
        ana.sync()
        self.assertIn("Made at headquarters", names(ana))
        self.hq.stop()
        self.restore(self.file)
        self.hq.start()
        ana.sync()
        self.assertEqual(differences(self.hq, ana), [])
        found = dict(ana.rows("SELECT field, value FROM found_value WHERE entity = 'company'"))
        self.assertEqual(found["website"], '"https://typed-at-hq.example"')
        self.assertIn("Made at headquarters", found["id"])

    def test_the_old_copy_stops_when_a_laptop_comes_from_the_restored_one(self):
        ana, bob = self.world.laptop("ana"), self.world.laptop("bob")
        ana.sync()
        bob.sync()
        self.backup()
        port = self.hq.port
        self.hq.stop()
        left_running = self.world.folder / "left-running"
        shutil.copytree(self.hq.data, left_running)
        self.restore(self.file)
        self.hq.start(port=port)
        ana.sync()
        self.hq.stop()
        restored = self.world.folder / "restored"
        self.hq.data.rename(restored)
        left_running.rename(self.hq.data)
        self.hq.start(port=port)
        bob.sync()
        done = ana.sync(check=False)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertEqual(bob.sync(check=False).returncode, 5, "the old copy takes nothing any more")
        self.assertIn("old copy", self.hq.log.read_text())

    def test_a_damaged_backup_changes_nothing(self):
        self.backup()
        whole = self.file.read_bytes()
        self.hq.stop()
        before = (self.hq.data / "fieldbook.db").read_bytes()
        for what, bytes_ in (("cut off", whole[:len(whole) // 2]), ("one byte", whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:]),
                             ("no backup", b"not a backup at all"), ("empty", b"")):
            with self.subTest(what):
                self.file.write_bytes(bytes_)
                done = self.restore(self.file, check=False)
                self.assertEqual(done.returncode, 6, done.stderr)
                self.assertIn("damaged", done.stderr)
                self.assertEqual((self.hq.data / "fieldbook.db").read_bytes(), before)
                self.assertFalse((self.hq.data / "restore.new").exists())

    def test_a_running_server_is_not_restored_under_its_feet(self):
        self.backup()
        done = self.restore(self.file, check=False)
        self.assertEqual(done.returncode, 8, done.stderr)

    def test_another_headquarters_backup_is_refused(self):
        self.backup()
        other = self.world.folder / "other"
        run("fieldbook-server", "init", "--data", other)
        done = self.restore(self.file, check=False, data=other)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("another headquarters", done.stderr)

    def test_a_damaged_database_is_no_obstacle(self):
        self.backup()
        self.hq.stop()
        path = self.hq.data / "fieldbook.db"
        content = bytearray(path.read_bytes())
        content[4096:40960] = os.urandom(36864)
        path.write_bytes(content)
        self.restore(self.file)
        self.hq.command("verify")
        self.assertEqual(pathlib.Path(self.hq.data / "before-restore-1/fieldbook.db").read_bytes(), bytes(content))


if __name__ == "__main__":
    unittest.main(verbosity=1)
