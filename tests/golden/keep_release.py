#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Keeps the databases of a release for good: tests/golden/keep_release.py N, once, when release N is made. Real programs write them (FIELDBOOK_BIN);
tests/e2e/releases_test.py opens them with every later release."""
import json
import lzma
import pathlib
import sqlite3
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from fieldbook import World  # noqa: E402

HQ_STORY = """
INSERT INTO company (name, kind, status, short_name, owner_id) SELECT '金蝶软件', 'customer', 'active', '金蝶', id FROM employee LIMIT 1;
INSERT INTO company (name, kind, status, owner_id) SELECT 'Northwind', 'prospect', 'active', id FROM employee LIMIT 1;
INSERT INTO company (name, kind, status, owner_id) SELECT 'Gone', 'prospect', 'active', id FROM employee LIMIT 1;
INSERT INTO contact (company_id, owner_id, family_name, given_name) SELECT id, owner_id, '王', '芳' FROM company WHERE name = '金蝶软件';
INSERT INTO note (entity, record_id, by_id, body) SELECT 'company', id, owner_id, 'First line' FROM company WHERE name = 'Northwind';
"""
# What no headquarters has heard of yet: it must come out of the old file whole.
UNSENT = """
UPDATE company SET website = 'ana.example' WHERE name = 'Northwind';
INSERT INTO contact (company_id, owner_id, family_name, given_name) SELECT id, owner_id, 'Suyama', 'Michael' FROM company WHERE name = 'Northwind';
DELETE FROM contact WHERE family_name = '王';
"""


def keep(node, path):
    """The file as its daemon left it, the log moved into it."""
    with sqlite3.connect(node.data / "fieldbook.db") as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path.write_bytes(lzma.compress((node.data / "fieldbook.db").read_bytes(), preset=9))


def main():
    folder = HERE / f"release-{sys.argv[1]}"
    folder.mkdir()
    with World() as world:
        hq, ana = world.hq, world.laptop("ana")
        hq.sql(HQ_STORY)
        ana.sync()
        hq.sql("UPDATE company SET short_name = '金蝶国际' WHERE name = '金蝶软件'")
        ana.sql("UPDATE company SET short_name = '金蝶集团' WHERE name = '金蝶软件'")
        hq.sql("DELETE FROM company WHERE name = 'Gone'")
        ana.sync()
        hq.command("policy", "set", "company.website=manual")
        ana.sync()
        hq.stop()
        ana.sql(UNSENT)
        keep(hq, folder / "headquarters.db.xz")
        keep(ana, folder / "laptop.db.xz")
    print(json.dumps({path.name: path.stat().st_size for path in sorted(folder.iterdir())}))


if __name__ == "__main__":
    main()
