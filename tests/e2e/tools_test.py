#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What people's own tools do to a laptop's file, with the real programs around it."""
import sqlite3
import unittest

from fieldbook import World, differences


class Tools(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.hq = self.world.hq
        self.ana = self.world.laptop("ana")
        self.ana.sync()
        self.ana.sql("INSERT INTO company (name, kind, status, owner_id, website)"
                     " SELECT ?, 'prospect', 'active', id, 'w0' FROM employee LIMIT 1", "Acme")
        self.ana.sync()

    def tearDown(self):
        self.world.__exit__(None, None, None)

    def equal(self):
        result = self.ana.sync()
        self.assertEqual(differences(self.hq, self.ana), [])
        return result

    def test_replace_ignore_and_upsert_from_the_shell(self):
        row = self.ana.rows("SELECT id, owner_id FROM company WHERE name = 'Acme'")[0]
        self.ana.shell(f"""
            INSERT OR REPLACE INTO company (id, name, kind, status, owner_id) VALUES ('{row[0]}', 'Acme 2', 'customer', 'active', '{row[1]}');
            INSERT OR IGNORE INTO company (id, name, kind, status, owner_id) VALUES ('{row[0]}', 'Acme 3', 'customer', 'active', '{row[1]}');
            INSERT INTO company (id, name, kind, status, owner_id) VALUES ('{row[0]}', 'Acme 4', 'customer', 'active', '{row[1]}')
                ON CONFLICT (id) DO UPDATE SET short_name = excluded.name;""")
        self.equal()
        self.assertEqual(self.hq.rows("SELECT name, kind, short_name, website FROM company WHERE id = ?", row[0]),
                         [("Acme 2", "customer", "Acme 4", None)])

    def test_a_dropped_trigger_comes_back_and_its_edit_is_found(self):
        for (name,) in self.ana.rows("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'company'"):
            self.ana.shell(f'DROP TRIGGER "{name}";')
        self.ana.sql("UPDATE company SET website = 'unseen' WHERE name = 'Acme'")
        result = self.equal()
        self.assertEqual(result["found"], 1)
        found = self.ana.rows("SELECT entity, field, value FROM found_value")
        self.assertEqual(found, [("company", "website", '"unseen"')])
        self.assertEqual(self.ana.rows("SELECT website FROM company WHERE name = 'Acme'"), [("w0",)])
        self.ana.sql("UPDATE company SET website = 'seen' WHERE name = 'Acme'")
        self.equal()
        self.assertEqual(self.hq.rows("SELECT website FROM company WHERE name = 'Acme'"), [("seen",)])

    def test_verify_names_what_was_changed_past_the_triggers_at_headquarters(self):
        self.hq.sql("INSERT INTO company (name, kind, status, owner_id) SELECT '东华', 'prospect', 'active', id FROM employee LIMIT 1")
        self.ana.sync()
        self.hq.command("verify")
        self.hq.stop()
        for (name,) in self.hq.rows("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'company'"):
            self.hq.shell(f'DROP TRIGGER "{name}";')
        self.hq.shell("UPDATE company SET website = 'unseen' WHERE name = '东华';")
        done = self.hq.command("verify", check=False)
        (row,), = self.hq.rows("SELECT id FROM company WHERE name = '东华'")
        self.assertEqual(done.returncode, 6)
        self.assertIn(f"differs: Company 东华 (company:{row}", done.stdout)
        self.assertNotIn("Acme", done.stdout)
        self.assertIn("changed with triggers off (scopes that differ, named above: 1)", done.stderr)

    def test_what_was_changed_past_the_triggers_at_headquarters_is_taken_in(self):
        self.hq.sql("INSERT INTO company (name, kind, status, owner_id) SELECT '东华', 'prospect', 'active', id FROM employee LIMIT 1")
        self.hq.sql("INSERT INTO company (name, kind, status, owner_id) SELECT '西华', 'prospect', 'active', id FROM employee LIMIT 1")
        self.ana.sync()
        self.hq.stop()
        for (name,) in self.hq.rows("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'company'"):
            self.hq.shell(f'DROP TRIGGER "{name}";')
        self.hq.shell("""
            UPDATE company SET website = 'unseen' WHERE name = '东华';
            DELETE FROM company WHERE name = '西华';
            INSERT INTO company (id, name, kind, status, owner_id) SELECT '0191e0a0-0000-7000-8000-0000000000aa', '南华', 'prospect', 'active', id FROM employee LIMIT 1;""")
        self.assertEqual(self.hq.command("verify", check=False).returncode, 6)
        self.assertIn("What differed stands from now on (scopes: 3)", self.hq.command("verify", "--take-in"))
        self.hq.command("verify")
        self.hq.start()
        self.equal()
        self.assertEqual(self.ana.rows("SELECT name, website FROM company WHERE name LIKE '%华' ORDER BY website"), [("南华", None), ("东华", "unseen")])
        self.hq.sql("UPDATE company SET website = 'again' WHERE name = '南华'")
        self.equal()
        self.hq.command("verify")

    def test_another_journal_mode_is_put_back(self):
        db = sqlite3.connect(self.ana.data / "fieldbook.db")
        self.assertEqual(db.execute("PRAGMA journal_mode = DELETE").fetchone(), ("delete",))
        db.execute("UPDATE company SET website = 'delete mode'")
        db.commit()
        db.close()
        self.equal()
        db = sqlite3.connect(self.ana.data / "fieldbook.db")
        self.assertEqual(db.execute("PRAGMA journal_mode").fetchone(), ("wal",))
        self.assertEqual(self.hq.rows("SELECT website FROM company WHERE name = 'Acme'"), [("delete mode",)])

    def test_vacuum_and_an_added_column_do_no_harm(self):
        self.ana.sql("UPDATE company SET website = 'before vacuum'")
        self.ana.shell("ALTER TABLE company ADD COLUMN my_own TEXT; UPDATE company SET my_own = 'x', short_name = 'AC';")
        self.ana.shell("VACUUM;")
        self.ana.sync()
        self.assertEqual(self.hq.rows("SELECT website, short_name FROM company WHERE name = 'Acme'"), [("before vacuum", "AC")])
        self.assertEqual(self.ana.rows("SELECT my_own FROM company WHERE name = 'Acme'"), [("x",)])
        self.assertIn("my_own", self.ana.command("doctor"))

    def test_an_id_cannot_be_changed(self):
        with self.assertRaisesRegex(sqlite3.Error, "id"):
            self.ana.sql("UPDATE company SET id = '0191e0a0-0000-7000-8000-000000000000' WHERE name = ?", "Acme")
        self.equal()

    def test_a_value_too_large_for_any_message_is_refused_where_it_is_written(self):
        for node in (self.hq, self.ana):
            with self.assertRaisesRegex(sqlite3.Error, "CHECK"):
                node.sql("UPDATE company SET description = ? WHERE name = 'Acme'", "x" * 200_000)
            node.sql("UPDATE company SET description = ? WHERE name = 'Acme'", "y" * 131_072)
            self.equal()

    def test_a_long_read_and_a_long_write_only_delay(self):
        reader = sqlite3.connect(self.ana.data / "fieldbook.db")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM company").fetchone()
        self.ana.sql("UPDATE company SET website = 'while read'")
        self.equal()
        reader.close()
        writer = sqlite3.connect(self.ana.data / "fieldbook.db", isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        done = self.ana.sync(check=False)
        writer.execute("ROLLBACK")
        writer.close()
        self.assertIn(done.returncode, (0, 8), done.stderr)
        self.equal()

    def test_a_deleted_row_and_its_parts(self):
        order = "0191e0a0-0000-7000-8000-000000000001"
        self.ana.shell(f"""
            INSERT INTO sales_order (id, company_id, status, ordered_on, currency_id, owner_id)
                SELECT '{order}', c.id, 'draft', '2026-01-05', (SELECT id FROM currency LIMIT 1), c.owner_id FROM company c WHERE name = 'Acme';
            INSERT INTO order_line (sales_order_id, position, name, qty, unit, unit_price, discount_pct, tax_rate)
                VALUES ('{order}', 1, 'Pump', 2000, 'piece', 10000, 0, 1300), ('{order}', 2, 'Valve', 1000, 'piece', 500, 0, 1300);""")
        self.equal()
        self.assertEqual(self.hq.rows("SELECT count(*) FROM order_line")[0][0], 2)
        self.ana.shell(f"DELETE FROM sales_order WHERE id = '{order}';")
        self.assertEqual(self.ana.rows("SELECT count(*) FROM order_line")[0][0], 0)
        self.equal()
        self.assertEqual(self.hq.rows("SELECT (SELECT count(*) FROM sales_order) + (SELECT count(*) FROM order_line)")[0][0], 0)


if __name__ == "__main__":
    unittest.main(verbosity=1)
