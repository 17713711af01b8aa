#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A real sales force, maven-crm: three regional offices, 35 agents, a laptop each. Every laptop holds exactly the rows that plain SQL
over headquarters' file says, and an account that moves from one office to another leaves and arrives whole."""
import collections
import json
import sqlite3
import unittest

from fieldbook import ROOT, SHARED, World

DATA = SHARED / "data/maven-crm"
MAPPINGS = ROOT / "share/mappings/maven-crm"

# What a person's laptop should hold, worked out here and nowhere else. :me is the employee.
TERRITORIES = """
WITH RECURSIVE mine(id) AS (
    SELECT territory_id FROM territory_member WHERE employee_id = :me
    UNION SELECT id FROM territory WHERE manager_id IN (SELECT id FROM below)
    UNION SELECT t.id FROM territory t JOIN mine ON t.parent_id = mine.id),
below(id) AS (SELECT :me UNION SELECT e.id FROM employee e JOIN below ON e.manager_id = below.id)
"""
COMPANIES = TERRITORIES + """, companies(id) AS (
    SELECT company_id FROM company_territory WHERE territory_id IN (SELECT id FROM mine)
    UNION SELECT id FROM company WHERE owner_id = :me
    UNION SELECT record_id FROM record_member WHERE entity = 'company' AND employee_id = :me
    UNION SELECT o.company_id FROM record_member r JOIN opportunity o ON o.id = r.record_id
          WHERE r.entity = 'opportunity' AND r.employee_id = :me)
"""
HELD = {
    "company": "SELECT id FROM company WHERE id IN companies",
    "company_territory": "SELECT id FROM company_territory WHERE company_id IN companies",
    "contact": "SELECT id FROM contact WHERE company_id IN companies OR (company_id IS NULL AND owner_id = :me)",
    "address": "SELECT id FROM address WHERE owner_entity = 'company' AND owner_id IN companies",
    "opportunity": "SELECT id FROM opportunity WHERE company_id IN companies OR (company_id IS NULL AND owner_id = :me)",
    "opportunity_line": "SELECT id FROM opportunity_line WHERE opportunity_id IN (SELECT id FROM opportunity"
                        " WHERE company_id IN companies OR (company_id IS NULL AND owner_id = :me))",
}


def held_by(db, employee):
    """{table: ids} of what the person's laptop should hold."""
    return {table: {row[0] for row in db.execute(COMPANIES + query, {"me": employee})} for table, query in HELD.items()}


def ids(db, table):
    return {row[0] for row in db.execute(f"SELECT id FROM {table}")}


@unittest.skipUnless(DATA.exists(), "the real data sets (../shared/data) are not here")
class Offices(unittest.TestCase):
    def fill(self, w):
        """Agents, accounts and deals; an account belongs to the office that dealt with it most."""
        for path in sorted(MAPPINGS.glob("*.json")):
            w.hq.command("import", json.loads(path.read_text())["entity"], DATA / json.loads(path.read_text())["file"],
                         "--mapping", path, "--rejects", w.folder / "rejects.csv")
        deals = collections.defaultdict(collections.Counter)
        for company, territory in w.hq.rows("SELECT o.company_id, m.territory_id FROM opportunity o"
                                            " JOIN territory_member m ON m.employee_id = o.owner_id WHERE o.company_id IS NOT NULL"):
            deals[company][territory] += 1
        w.hq.sql("".join(f"INSERT INTO company_territory (company_id, territory_id, how) VALUES ('{company}', '{count.most_common(1)[0][0]}', 'rule');"
                         for company, count in deals.items()))

    def check(self, w, laptops):
        with sqlite3.connect(w.hq.data / "fieldbook.db", timeout=20) as hq:
            for login, (employee, laptop) in laptops.items():
                with sqlite3.connect(laptop.data / "fieldbook.db", timeout=20) as db:
                    for table, wanted in held_by(hq, employee).items():
                        self.assertEqual(ids(db, table), wanted, f"{table} on {login}'s laptop")
                        columns = ", ".join(c[1] for c in hq.execute(f"PRAGMA table_info({table})"))
                        ours = set(db.execute(f"SELECT {columns} FROM {table}"))
                        self.assertLessEqual(ours, set(hq.execute(f"SELECT {columns} FROM {table}")), (table, login))

    def test_35_laptops_hold_what_sql_says_and_an_account_moves(self):
        with World() as w:
            self.fill(w)
            laptops = {}
            for employee, login, name in w.hq.rows("SELECT id, user_name, family_name FROM employee WHERE manager_id IS NOT NULL ORDER BY user_name"):
                laptops[login] = (employee, w.laptop(login, person=name))
            self.assertEqual(len(laptops), 35)
            for login, (employee, laptop) in laptops.items():
                result = laptop.sync()
                self.assertEqual(result["digest"], "equal", login)
            self.check(w, laptops)
            sizes = {login: len(ids(sqlite3.connect(laptop.data / "fieldbook.db"), "opportunity")) for login, (_, laptop) in laptops.items()}
            self.assertLess(max(sizes.values()), 8800)

            # The account with the most deals goes to another office: one cut takes it away, one brings it, whole.
            [(company, old)] = w.hq.rows("SELECT t.company_id, t.territory_id FROM company_territory t JOIN opportunity o ON o.company_id = t.company_id"
                                         " GROUP BY t.company_id ORDER BY count(*) DESC LIMIT 1")
            [(new,)] = w.hq.rows("SELECT id FROM territory WHERE id <> ? AND code IN ('central', 'east', 'west') ORDER BY code LIMIT 1", old)
            [(deals,)] = w.hq.rows("SELECT count(*) FROM opportunity WHERE company_id = ?", company)
            losers = [login for login, (e, _) in laptops.items() if w.hq.rows("SELECT 1 FROM territory_member WHERE employee_id = ? AND territory_id = ?", e, old)]
            winners = [login for login, (e, _) in laptops.items() if w.hq.rows("SELECT 1 FROM territory_member WHERE employee_id = ? AND territory_id = ?", e, new)]
            w.hq.sql("UPDATE company_territory SET territory_id = ? WHERE company_id = ?", new, company)
            loser, winner = laptops[losers[0]][1], laptops[winners[0]][1]
            gone, come = loser.sync(), winner.sync()
            self.assertGreaterEqual(gone["removed"], 1 + deals)
            self.assertGreaterEqual(come["received"], 1 + 2 * deals)
            self.assertEqual((gone["digest"], come["digest"]), ("equal", "equal"))
            print(f"  account with {deals} deals moved: {come['received']} rows came, {gone['removed']} left")
            for login in losers[1:3] + winners[1:3]:
                self.assertEqual(laptops[login][1].sync()["digest"], "equal")
            self.check(w, {login: laptops[login] for login in losers[:3] + winners[:3]})
            # Named elsewhere, it is known by its title only.
            self.assertEqual(loser.rows("SELECT count(*) FROM company WHERE id = ?", company), [(0,)])


if __name__ == "__main__":
    unittest.main(verbosity=1)
