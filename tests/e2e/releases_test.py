#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Releases: a newer program brings its catalogue to the database that is there; files of every earlier release (tests/golden/release-N) still work."""
import json
import lzma
import os
import shutil
import sqlite3
import unittest

from fieldbook import BIN, ROOT, Headquarters, Laptop, World, differences

PAGER = {"no": 900, "name": "pager", "type": "text", "en": "Pager", "zh": "寻呼机"}
VISIT = {"no": 9000, "name": "site_visit", "en": "Site visit", "zh": "现场拜访", "scope": {"rule": "follows", "fields": ["company_id"]},
         "title": ["subject"], "fields": [
             {"no": 8, "name": "company_id", "type": "ref", "target": "company", "en": "Company", "zh": "客户", "required": True},
             {"no": 9, "name": "subject", "type": "text", "en": "Subject", "zh": "主题"}]}


class Newer(unittest.TestCase):
    """The next release is this one with another folder of the catalogue."""

    def setUp(self):
        self.world = World()
        self.hq = self.world.hq
        self.share = self.world.folder / "share"
        shutil.copytree(BIN.parent / "share/fieldbook", self.share, ignore=shutil.ignore_patterns("web"))

    def tearDown(self):
        os.environ.pop("FIELDBOOK_SHARE", None)
        self.world.__exit__(None, None, None)

    def entity(self, name, change):
        path = self.share / "catalogue" / f"{name}.json"
        entity = json.loads(path.read_text()) if path.exists() else {}
        change(entity)
        path.write_text(json.dumps(entity))

    def policy(self, field):
        return next(f for f in self.company() if f["name"] == field)["merge"]

    def company(self):
        (document,), = self.hq.rows("SELECT document FROM fb_catalogue ORDER BY version DESC LIMIT 1")
        return next(e for e in json.loads(document)["entities"] if e["name"] == "company")["fields"]

    def version(self, node):
        (version,), = node.rows("SELECT max(version) FROM fb_catalogue")
        return version

    def install(self):
        self.hq.stop()
        os.environ["FIELDBOOK_SHARE"] = str(self.share)
        self.hq.start()

    def test_the_same_program_started_again_changes_nothing(self):
        before = self.version(self.hq)
        self.hq.stop()
        self.hq.start()
        self.assertEqual(self.version(self.hq), before)

    def test_a_newer_program_brings_its_catalogue_and_laptops_follow(self):
        ana = self.world.laptop("ana")
        self.hq.sql("INSERT INTO company (name, kind, status, owner_id) SELECT 'Acme', 'prospect', 'active', id FROM employee LIMIT 1")
        ana.sync()
        ana.sql("UPDATE company SET website = 'offline.example'")
        self.hq.command("policy", "set", "company.short_name=manual")

        def change(company):
            company["fields"].append(PAGER)
            for field in company["fields"]:
                if field["name"] in ("short_name", "website"):
                    field["merge"] = "server"
        self.entity("company", change)
        self.entity("site_visit", lambda e: e.update(VISIT))
        self.install()
        self.assertIn("catalogue_taken_in", self.hq.log.read_text())
        self.hq.sql("UPDATE company SET pager = '4711'; INSERT INTO site_visit (company_id, subject) SELECT id, '首次拜访' FROM company")
        ana.sync()
        self.assertEqual(ana.rows("SELECT pager, website FROM company"), [("4711", "offline.example")])
        self.assertEqual(ana.rows("SELECT subject FROM site_visit"), [("首次拜访",)])
        self.assertEqual(self.policy("website"), "server", "the release's")
        self.assertEqual(self.policy("short_name"), "manual", "the administrator's stays")
        self.assertEqual(differences(self.hq, ana), [])
        self.hq.command("verify")

    def test_what_the_administrator_has_more_than_the_release_stays(self):
        self.entity("company", lambda e: e["fields"].append(PAGER))
        self.install()
        self.hq.sql("INSERT INTO company (name, kind, status, pager, owner_id) SELECT 'Acme', 'prospect', 'active', '4711', id FROM employee LIMIT 1")
        self.hq.stop()
        del os.environ["FIELDBOOK_SHARE"]
        self.hq.start()
        self.assertIn("pager", [f["name"] for f in self.company()])
        self.assertEqual(self.hq.rows("SELECT pager FROM company"), [("4711",)])

    def test_a_field_with_another_type_is_refused_and_the_database_stays(self):
        before = self.version(self.hq)
        self.entity("company", lambda e: next(f for f in e["fields"] if f["name"] == "short_name").update(type="long"))
        self.hq.stop()
        os.environ["FIELDBOOK_SHARE"] = str(self.share)
        done = self.hq.command("run", "--listen", "127.0.0.1:0", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("company.json: field short_name: 'type'", done.stderr)
        self.assertEqual(self.version(self.hq), before)

    def test_after_a_restore_no_version_is_used_twice(self):
        ana = self.world.laptop("ana")
        backup = self.world.folder / "monday.backup"
        self.hq.command("backup", backup)
        self.hq.command("policy", "set", "company.short_name=manual")
        ana.sync()
        lost = self.version(self.hq)
        self.hq.stop()
        self.hq.command("restore", backup)
        self.hq.start()
        self.hq.command("policy", "set", "company.website=manual")
        self.assertGreater(self.version(self.hq), lost)
        ana.sync()
        self.assertEqual(self.version(ana), self.version(self.hq))
        self.assertEqual(differences(self.hq, ana), [])


class Older(unittest.TestCase):
    """Databases as earlier releases left them, under a new authority, since certificates of long ago have ended."""

    def setUp(self):
        self.world = World(start=False)

    def tearDown(self):
        self.world.__exit__(None, None, None)

    def headquarters(self, release):
        hq = self.world.hq
        for name in ("fieldbook.db", "fieldbook.db-wal", "fieldbook.db-shm", "high-water"):
            (hq.data / name).unlink(missing_ok=True)
        (hq.data / "fieldbook.db").write_bytes(lzma.decompress((release / "headquarters.db.xz").read_bytes()))
        hq.start()
        return hq

    def laptop(self, release, hq):
        data = self.world.folder / "ana"
        data.mkdir(mode=0o700)
        (data / "fieldbook.db").write_bytes(lzma.decompress((release / "laptop.db.xz").read_bytes()))
        with sqlite3.connect(data / "fieldbook.db") as db:  # so that it may ask for a certificate of today
            db.execute("INSERT INTO fb_meta (key, value) VALUES ('must_enrol', 1) ON CONFLICT (key) DO UPDATE SET value = 1")
        ana = Laptop(data, hq, "ana")
        self.world.nodes.append(ana)
        return ana

    def look_at(self, release):
        hq = self.headquarters(release)
        ana = self.laptop(release, hq)
        ana.sync()
        self.assertEqual(hq.rows("SELECT website FROM company WHERE name = 'Northwind'"), [("ana.example",)])
        self.assertEqual(hq.rows("SELECT family_name FROM contact ORDER BY 1"), [("Suyama",)], "what was unsent came, what was deleted went")
        self.assertEqual(hq.rows("SELECT count(*) FROM conflict WHERE field_group = 'short_name'"), [(1,)])
        self.assertEqual(hq.rows("SELECT body FROM note"), [("First line",)])
        rules = {r["field"]: r["rule"] for r in map(json.loads, hq.command("policy", "list", "company", "--json").splitlines())}
        self.assertEqual(rules["website"], "manual", "the administrator's")
        hq.command("verify")
        self.assertEqual(differences(hq, ana), [])

    def test_files_of_every_release_open_and_their_unsent_work_arrives(self):
        releases = sorted((ROOT / "tests/golden").glob("release-*"))
        self.assertTrue(releases)
        for release in releases:
            with self.subTest(release=release.name):
                self.look_at(release)


if __name__ == "__main__":
    unittest.main()
