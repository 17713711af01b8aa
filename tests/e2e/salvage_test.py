#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bit rot in a laptop's file: `doctor --salvage` keeps the damaged file, saves what can be read of the unsent work, and headquarters gives
the rest. Real files, damaged where it hurts (fault A15)."""
import hashlib
import json
import os
import sqlite3
import unittest
import urllib.parse

from browser import Browser
from fieldbook import World, differences, until

DATABASE = 6
COMPANIES = 300
PADDING = "so that a page holds few of them " * 6


class SalvageTest(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.world.__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)
        self.hq = self.world.hq
        self.laptop = self.world.laptop("wu")
        self.laptop.sync()
        self.insert("Acme", COMPANIES)
        self.laptop.sync()

    def insert(self, name, count):
        db = sqlite3.connect(self.laptop.data / "fieldbook.db")
        with db:
            db.executemany("INSERT INTO company (name, description, owner_id) SELECT ?, ?, value FROM fb_meta WHERE key = 'employee_id'",
                           [(f"{name} {i:04}", PADDING) for i in range(count)])
        db.close()

    def edit(self, website, *numbers):
        db = sqlite3.connect(self.laptop.data / "fieldbook.db")
        with db:
            db.executemany("UPDATE company SET website = ? WHERE name = ?", [(website, f"Acme {i:04}") for i in numbers])
        db.close()

    def freeze(self):
        """Packs the edits into a push that nobody took."""
        self.laptop.command("export-round", self.world.folder / f"round-{os.urandom(4).hex()}")

    def pages(self, table, kind="leaf", node=None):
        """Numbers of the table's pages, after everything was moved into the file."""
        db = sqlite3.connect((node or self.laptop).data / "fieldbook.db")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        found = [row[0] for row in db.execute("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = ? ORDER BY path", (table, kind))]
        size = db.execute("PRAGMA page_size").fetchone()[0]
        db.close()
        return found, size

    def overwrite(self, table, which, kind="leaf", skip=0, node=None):
        pages, size = self.pages(table, kind, node)
        self.assertGreater(len(pages), which, table)
        path = (node or self.laptop).data / "fieldbook.db"
        with open(path, "r+b") as file:
            file.seek((pages[which] - 1) * size + skip)
            file.write(os.urandom(size - skip))
        return path.read_bytes()

    def salvage(self, damaged):
        done = self.laptop.command("doctor", check=False)
        self.assertEqual(done.returncode, DATABASE, done.stdout + done.stderr)
        self.assertIn("doctor --salvage", done.stderr)
        report = json.loads(self.laptop.command("doctor", "--salvage", "--json"))
        kept = self.laptop.data / "damaged-1/fieldbook.db"
        self.assertEqual(hashlib.sha256(kept.read_bytes()).digest(), hashlib.sha256(damaged).digest())
        self.laptop.command("doctor")
        return report

    def sync_and_compare(self):
        self.laptop.sync()
        self.assertIn(json.loads(self.laptop.command("sync", "--json"))["digest"], ("equal",))
        self.assertEqual(self.hq.rows("SELECT count(*) FROM company WHERE name LIKE 'Acme%'")[0][0], COMPANIES)
        self.assertEqual(list(differences(self.hq, self.laptop, ignore=("device",))), [])

    def websites(self):
        return self.hq.rows("SELECT count(*) FROM company WHERE website IS NOT NULL")[0][0]

    def find_by_itself(self, node, *words):
        """The daemon's first look found all well; the next one is made due by forgetting the time of the first."""
        node.start(*words)
        until(lambda: node.rows("SELECT 1 FROM fb_meta WHERE key = 'looked_at_ms'"), "it looks over its file")
        self.assertEqual(node.stop(), 0)
        self.assertNotIn("database_damaged", node.log.read_text())
        self.overwrite("company", 3, node=node)
        node.sql("DELETE FROM fb_meta WHERE key = 'looked_at_ms'")
        node.start(*words)
        until(lambda: "database_damaged" in node.log.read_text(), "it finds the damaged page")
        self.assertIn("restore a backup (headquarters), or run `fieldbook-replica doctor --salvage`", node.log.read_text())

    def test_a_laptop_that_runs_for_long_looks_for_it_by_itself(self):
        self.find_by_itself(self.laptop, "--web", "localhost:0")
        link = urllib.parse.urlsplit(self.laptop.command("open", "--print").strip())
        browser = Browser(link.port)
        browser.ask("GET", f"{link.path}?{link.query}")
        self.assertIn("doctor --salvage", browser.ask("GET", "/api/v1/sync")[2]["reason"])
        self.assertEqual(self.laptop.stop(), 0)

    def test_headquarters_looks_for_it_by_itself(self):
        self.hq.stop()
        self.find_by_itself(self.hq)
        admin = Browser(self.hq.port, self.hq.data / "tls/ca.pem").must_login("admin", self.hq.password)
        self.assertIn("fieldbook_db_damaged 1\n", admin.ask("GET", "/metrics")[2])
        (check,) = [c for c in admin.ask("GET", "/api/v1/health")[2]["checks"] if c["name"] == "database"]
        self.assertFalse(check["ok"])
        self.assertIn("restore a backup", check["detail"])
        self.assertEqual(self.hq.stop(), 0)

    def test_a_page_of_records_is_lost_and_the_unsent_work_is_not(self):
        self.edit("packed.example", 1, 2, 3)
        self.freeze()
        self.insert("New", 2)
        self.edit("typed.example", COMPANIES - 1)
        pages, _ = self.pages("company")
        report = self.salvage(self.overwrite("company", len(pages) // 2))
        self.assertEqual((report["pushed_edits"], report["pushes_lost"], report["journal_lost"]), (3, 0, False))
        self.assertGreater(report["rows"], COMPANIES - 60)
        self.assertEqual(report["tables_damaged"], 1)
        self.sync_and_compare()
        self.assertEqual(self.websites(), 4)
        self.assertEqual(self.hq.rows("SELECT count(*) FROM company WHERE name LIKE 'New%'")[0][0], 2)

    def test_an_edited_record_on_the_damaged_page_is_not_taken_for_deleted(self):
        self.edit("typed.example", *range(COMPANIES))
        pages, _ = self.pages("company")
        report = self.salvage(self.overwrite("company", len(pages) // 2))
        self.assertTrue(report["journal_lost"])
        self.sync_and_compare()
        self.assertGreater(self.websites(), COMPANIES - 60)
        self.assertLess(self.websites(), COMPANIES)

    def test_a_page_in_the_middle_of_the_journal_costs_what_stood_on_it(self):
        self.edit("typed.example", *range(COMPANIES))
        pages, _ = self.pages("fb_journal")
        report = self.salvage(self.overwrite("fb_journal", len(pages) // 2))
        self.assertTrue(report["journal_lost"])
        self.sync_and_compare()
        self.assertGreater(self.websites(), COMPANIES // 3)

    def test_the_first_and_the_last_page_of_the_journal(self):
        self.edit("typed.example", *range(COMPANIES))
        pages, _ = self.pages("fb_journal")
        self.overwrite("fb_journal", 0)
        with open(self.laptop.data / "fieldbook.db", "r+b") as file:
            file.seek((pages[-1] - 1) * 4096)
            file.write(bytes(4096))
        report = self.salvage((self.laptop.data / "fieldbook.db").read_bytes())
        self.assertTrue(report["journal_lost"])
        self.sync_and_compare()
        self.assertGreater(self.websites(), 0)

    def test_a_push_that_is_not_what_was_frozen_does_not_go_up(self):
        self.edit("packed.example", 1)
        self.freeze()
        self.edit("second.example", 2)
        self.freeze()
        self.edit("typed.example", 3)
        path = self.laptop.data / "fieldbook.db"
        db = sqlite3.connect(path)
        db.execute("UPDATE fb_push_part SET bytes = zeroblob(length(bytes)) WHERE number = (SELECT min(number) FROM fb_push WHERE acked_at_ms IS NULL) AND part = 0")
        db.commit()
        db.close()
        report = self.salvage(self.overwrite("company", 1))
        self.assertEqual((report["pushes"], report["pushes_lost"]), (1, 1))
        self.sync_and_compare()
        self.assertEqual(self.hq.rows("SELECT website FROM company WHERE website IS NOT NULL ORDER BY website"), [("second.example",), ("typed.example",)])

    def test_who_the_laptop_is_cannot_be_read(self):
        self.edit("typed.example", 1, 2)
        report = self.salvage(self.overwrite("fb_meta", 0))
        self.assertFalse(report["journal_lost"])
        self.sync_and_compare()
        self.assertEqual(self.websites(), 2)

    def test_of_a_file_without_a_beginning_nothing_is_saved_but_the_laptop_goes_on(self):
        self.edit("typed.example", 1)
        self.pages("company")
        path = self.laptop.data / "fieldbook.db"
        with open(path, "r+b") as file:
            file.write(os.urandom(4096))
        report = self.salvage(path.read_bytes())
        self.assertEqual((report["rows"], report["pushes"], report["journal_lost"]), (0, 0, True))
        self.sync_and_compare()

    def test_a_file_that_lost_its_second_half(self):
        self.edit("packed.example", 1)
        self.freeze()
        self.pages("company")
        path = self.laptop.data / "fieldbook.db"
        os.truncate(path, path.stat().st_size // 8192 * 4096)
        self.salvage(path.read_bytes())
        self.sync_and_compare()

    def test_what_lies_in_the_log_beside_the_file_is_read_too(self):
        self.pages("company")
        keeps = sqlite3.connect(self.laptop.data / "fieldbook.db")
        keeps.execute("PRAGMA wal_autocheckpoint = 0")
        keeps.execute("BEGIN")
        keeps.execute("SELECT count(*) FROM company").fetchone()
        self.edit("typed.example", 5)
        pages = [r[0] for r in keeps.execute("SELECT pageno FROM dbstat WHERE name = 'contact' OR name = 'product' ORDER BY 1")]
        self.assertTrue(pages)
        with open(self.laptop.data / "fieldbook.db", "r+b") as file:
            file.seek((pages[0] - 1) * 4096)
            file.write(os.urandom(4096))
        wal = (self.laptop.data / "fieldbook.db-wal").read_bytes()
        self.assertGreater(len(wal), 0)
        report = json.loads(self.laptop.command("doctor", "--salvage", "--json"))
        keeps.close()
        self.assertEqual(report["journal"], 1)
        self.assertFalse(report["journal_lost"])
        self.sync_and_compare()
        self.assertEqual(self.websites(), 1)

    def test_a_whole_database_is_left_alone_and_a_crash_in_between_is_finished(self):
        done = self.laptop.command("doctor", "--salvage", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("whole", done.stderr)
        self.assertFalse((self.laptop.data / "damaged-1").exists())
        self.edit("typed.example", 1)
        self.salvage(self.overwrite("company", 1))
        new = (self.laptop.data / "fieldbook.db").rename(self.laptop.data / "fieldbook.db.salvaged")
        (self.laptop.data / "damaged-1/fieldbook.db-wal").unlink(missing_ok=True)
        (self.laptop.data / "fieldbook.db-wal").write_bytes(b"of the damaged one")
        self.assertIn("finished", self.laptop.command("doctor", "--salvage", check=False).stderr)
        self.assertFalse(new.exists())
        self.assertEqual((self.laptop.data / "damaged-1/fieldbook.db-wal").read_bytes(), b"of the damaged one")
        self.sync_and_compare()
        self.assertEqual(self.websites(), 1)


if __name__ == "__main__":
    unittest.main()
