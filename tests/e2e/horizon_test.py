#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is old: the daemon packs the log, and a laptop that slept longer catches up; closed records stay at headquarters."""
import unittest

from fieldbook import World, differences, until

NOTES = """
    INSERT INTO note (entity, record_id, body, by_id)
    WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2200)
    SELECT 'company', (SELECT id FROM company), 'Note ' || i, (SELECT owner_id FROM company) FROM n"""


def a_company(w):
    w.hq.sql("INSERT INTO company (name, kind, status, owner_id) SELECT '东华精密', 'customer', 'active', id FROM employee WHERE user_name = 'ana'")


class HorizonTest(unittest.TestCase):
    def test_the_daemon_packs_what_is_old_and_a_laptop_that_slept_longer_catches_up(self):
        with World() as w:
            ana = w.laptop("ana")
            a_company(w)
            w.hq.sql(NOTES)
            ana.sync()
            ana.sql("UPDATE company SET website = 'ana.example'")
            w.hq.sql("DELETE FROM note WHERE body LIKE 'Note 1%'")
            w.hq.sql("UPDATE note SET body = body || ' read' WHERE body LIKE 'Note 2%'")
            until(lambda: w.hq.rows("SELECT count(*) FROM fb_journal WHERE op > 0") == [(0,)], "all is sealed")
            w.hq.stop()
            # Half a year later: what was in the log is older than the horizon. (The audit chain covers these times, so verify would complain.)
            w.hq.sql("UPDATE fb_rev SET at_ms = at_ms - 200 * 86400000")
            w.hq.start()
            w.hq.sql("UPDATE company SET description = 'later'")
            until(lambda: w.hq.rows("SELECT count(*) FROM fb_log_segment") != [(0,)], "a segment is packed")
            status = w.hq.command("status")
            self.assertIn("packed log", status)
            entries, = w.hq.rows("SELECT sum(last_seq - first_seq + 1) FROM fb_log_segment")[0]
            self.assertGreaterEqual(entries, 2000)
            ana.sync()
            self.assertEqual(differences(w.hq, ana), [])
            self.assertEqual(w.hq.rows("SELECT website, description FROM company"), [("ana.example", "later")])
            self.assertEqual(w.hq.rows("SELECT count(*) FROM held_change"), [(0,)])

    def test_a_closed_order_that_nobody_wrote_for_years_is_at_headquarters_alone(self):
        with World() as w:
            ana = w.laptop("ana")
            a_company(w)
            for number, status in (("old", "closed"), ("open", "confirmed")):
                w.hq.sql("INSERT INTO sales_order (number, company_id, status, ordered_on, currency_id, owner_id) SELECT ?, id, ?,"
                         " '2000-12-24', (SELECT id FROM currency WHERE code = 'CNY'), owner_id FROM company", number, status)
            ana.sync()
            self.assertEqual(ana.rows("SELECT count(*) FROM sales_order"), [(2,)])
            w.hq.stop()
            w.hq.sql("UPDATE sales_order SET modified_at = '2001-01-01T00:00:00.000Z' WHERE number = 'old';"
                     "DELETE FROM fb_meta WHERE key = 'history_from_ms'")
            w.hq.start()
            until(lambda: w.hq.rows("SELECT 1 FROM fb_meta WHERE key = 'history_from_ms'"), "the date has moved")
            ana.sync()
            self.assertEqual(ana.rows("SELECT number FROM sales_order"), [("open",)])
            self.assertEqual(ana.rows("SELECT title FROM reference WHERE entity = 'sales_order'"), [("old",)])
            self.assertIn("closed records since", ana.command("status"))
            self.assertIn("digests agree", w.hq.command("verify"))
            w.hq.sql("UPDATE sales_order SET note = 'asked again' WHERE number = 'old'")
            ana.sync()
            self.assertEqual(ana.rows("SELECT count(*) FROM sales_order"), [(2,)])
            self.assertEqual(differences(w.hq, ana), [])


if __name__ == "__main__":
    unittest.main()
