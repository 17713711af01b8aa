#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A real sales force, maven-crm: three regional offices, 35 agents and their six managers, a laptop each. Every laptop holds exactly the
rows that plain SQL over headquarters' file says; an account that moves to another office leaves in one cut and arrives in one, as the rehearsal said.

One agent of each office and one manager take part; FIELDBOOK_OFFICES=all runs all 41 laptops (some minutes)."""
import collections
import json
import os
import sqlite3
import time
import unittest

from fieldbook import ROOT, SHARED, World

DATA = SHARED / "data/maven-crm"
MAPPINGS = ROOT / "share/mappings/maven-crm"
AGENTS_OF_AN_OFFICE = 100 if os.environ.get("FIELDBOOK_OFFICES") == "all" else 1
MANAGERS = 6 if os.environ.get("FIELDBOOK_OFFICES") == "all" else 1

# What a person's laptop should hold, worked out here and nowhere else. :me is the employee. A manager holds the territories of
# which those below him are members, and what they own; rows without a company are their owner's alone.
HELD_COMPANIES = """
WITH RECURSIVE below(id) AS (SELECT :me UNION SELECT e.id FROM employee e JOIN below ON e.manager_id = below.id),
mine(id) AS (
    SELECT territory_id FROM territory_member WHERE employee_id IN (SELECT id FROM below)
    UNION SELECT id FROM territory WHERE manager_id IN (SELECT id FROM below)
    UNION SELECT t.id FROM territory t JOIN mine ON t.parent_id = mine.id),
companies(id) AS (
    SELECT company_id FROM company_territory WHERE territory_id IN (SELECT id FROM mine)
    UNION SELECT id FROM company WHERE owner_id IN (SELECT id FROM below)
    UNION SELECT record_id FROM record_member WHERE entity = 'company' AND employee_id = :me
    UNION SELECT o.company_id FROM record_member r JOIN opportunity o ON o.id = r.record_id
          WHERE r.entity = 'opportunity' AND r.employee_id = :me)
"""
OWN = "company_id IN companies OR (company_id IS NULL AND owner_id = :me)"
HELD = {
    "company": "id IN companies",
    "company_territory": "company_id IN companies",
    "territory_change": "company_id IN companies",
    "contact": OWN,
    "address": "owner_entity = 'company' AND owner_id IN companies",
    "opportunity": OWN,
    "opportunity_line": f"opportunity_id IN (SELECT id FROM opportunity WHERE {OWN})",
}


def open_db(node):
    return sqlite3.connect(f"file:{node.data}/fieldbook.db?mode=ro", uri=True, timeout=20)


def held_by(db, employee):
    """{table: ids} of what the person's laptop should hold."""
    return {table: {row[0] for row in db.execute(f"{HELD_COMPANIES} SELECT id FROM {table} WHERE {where}", {"me": employee})}
            for table, where in HELD.items()}


def ids(db, table):
    return {row[0] for row in db.execute(f"SELECT id FROM {table}")}


@unittest.skipUnless(DATA.exists(), "the real data sets (../shared/data) are not here")
class Offices(unittest.TestCase):
    def fill(self, w):
        """Agents, accounts and deals; an account belongs to the office that dealt with it most. Its owner is at headquarters."""
        for path in sorted(MAPPINGS.glob("*.json")):
            mapping = json.loads(path.read_text())
            w.hq.command("import", mapping["entity"], DATA / mapping["file"], "--mapping", path, "--rejects", w.folder / "rejects.csv")
        deals = collections.defaultdict(collections.Counter)
        for company, code in w.hq.rows("SELECT o.company_id, t.code FROM opportunity o JOIN territory_member m ON m.employee_id = o.owner_id"
                                       " JOIN territory t ON t.id = m.territory_id WHERE o.company_id IS NOT NULL"):
            deals[company][code] += 1
        accounts = collections.defaultdict(list)
        for company, count in deals.items():
            accounts[count.most_common(1)[0][0]].append(company)
        self.assertEqual(len(accounts), 3)
        self.apply(w, accounts)

    def plan(self, w, accounts):
        path = w.folder / "plan.json"
        path.write_text(json.dumps({"territories": [{"code": code, "accounts": sorted(list_)} for code, list_ in accounts.items()]}))
        return path

    def apply(self, w, accounts):
        return json.loads(w.hq.command("territory", "apply", self.plan(w, accounts), "--json"))

    def people(self, w):
        """(employee, login, name, office or None for a manager) of those who take part."""
        agents = w.hq.rows("SELECT e.id, e.user_name, e.family_name, t.code FROM employee e JOIN territory_member m ON m.employee_id = e.id"
                           " JOIN territory t ON t.id = m.territory_id ORDER BY e.user_name")
        self.assertEqual(len(agents), 35)
        chosen, counts = [], collections.Counter()
        for agent in agents:
            counts[agent[3]] += 1
            chosen += [agent] if counts[agent[3]] <= AGENTS_OF_AN_OFFICE else []
        managers = w.hq.rows("SELECT DISTINCT b.id, b.user_name, b.family_name, NULL FROM employee e JOIN employee b ON b.id = e.manager_id"
                             " ORDER BY b.user_name")
        self.assertEqual(len(managers), 6)
        return chosen + managers[:MANAGERS]

    def check(self, w, laptops):
        with open_db(w.hq) as hq:
            for login, (employee, laptop, _) in laptops.items():
                with open_db(laptop) as db:
                    for table, wanted in held_by(hq, employee).items():
                        self.assertEqual(ids(db, table), wanted, f"{table} on {login}'s laptop")
                        columns = ", ".join(c[1] for c in hq.execute(f"PRAGMA table_info({table})"))
                        ours = set(db.execute(f"SELECT {columns} FROM {table}"))
                        self.assertLessEqual(ours, set(hq.execute(f"SELECT {columns} FROM {table}")), (table, login))

    def test_each_laptop_holds_what_sql_says_and_an_account_moves_in_one_cut(self):
        with World() as w:
            self.fill(w)
            laptops = {}
            for employee, login, name, office in self.people(w):
                laptops[login] = (employee, w.laptop(login, person=name, role="manager" if office is None else "rep"), office)
            began, rows, bytes_ = time.monotonic(), 0, 0
            for login, (_, laptop, _) in laptops.items():
                result = laptop.sync()
                self.assertEqual(result["digest"], "equal", login)
                rows, bytes_ = rows + result["received"], bytes_ + result.get("bytes_in", 0)
            seconds = time.monotonic() - began
            print(f"\n  {len(laptops)} laptops: first downloads of {rows} rows, {bytes_} bytes, in {seconds:.1f} s")
            self.check(w, laptops)
            sizes = {login: len(ids(open_db(laptop), "opportunity")) for login, (_, laptop, _) in laptops.items()}
            self.assertLess(max(size for login, size in sizes.items() if laptops[login][2]), 8800)
            self.move(w, laptops)

    def move(self, w, laptops):
        """The account with the most deals goes to another office."""
        [(company, old, deals)] = w.hq.rows("SELECT c.company_id, t.code, count(*) FROM company_territory c JOIN territory t ON t.id = c.territory_id"
                                            " JOIN opportunity o ON o.company_id = c.company_id GROUP BY c.company_id, t.code ORDER BY 3 DESC, 1 LIMIT 1")
        new = min(office for _, _, office in laptops.values() if office and office != old)
        kept = [row[0] for row in w.hq.rows("SELECT c.company_id FROM company_territory c JOIN territory t ON t.id = c.territory_id WHERE t.code = ?", new)]
        told = json.loads(w.hq.command("territory", "rehearse", self.plan(w, {new: kept + [company]}), "--json"))
        effects = {effect["employee_id"]: effect for effect in told["effects"]}
        self.assertEqual([(m["id"], m["from"], m["to"]) for m in told["moves"]], [(company, old, new)])
        self.assertEqual(w.hq.rows("SELECT how FROM company_territory WHERE company_id = ?", company), [("named",)])
        self.apply(w, {new: kept + [company]})
        # A manager whose people sit in both offices keeps it.
        losers = {login: l for login, l in laptops.items() if l[2] == old}
        winners = {login: l for login, l in laptops.items() if l[2] == new}
        for login, (employee, laptop, _) in losers.items():
            gone = laptop.sync()
            self.assertGreaterEqual(effects[employee]["leaves"]["rows"], 1 + 2 * deals)
            self.assertEqual((gone["digest"], gone["conflicts"], gone["held"]), ("equal", 0, 0), login)
            self.assertEqual(laptop.rows("SELECT count(*) FROM company WHERE id = ?", company), [(0,)])
        began, came = time.monotonic(), None
        for login, (employee, laptop, _) in winners.items():
            came = laptop.sync()
            said = effects[employee]["arrives"]
            self.assertEqual(came["digest"], "equal", login)
            # The move itself writes the account's new place and its history: two rows that were not there at the rehearsal.
            self.assertEqual(came["received"] - said["rows"], 2, (login, said))
            if came.get("bytes_in"):
                self.assertLess(abs(came["bytes_in"] - said["bytes"]), 0.35 * came["bytes_in"] + 4096, (login, said))
        print(f"  account with {deals} deals moved: {came['received']} rows, {came.get('bytes_in', 0)} bytes to each of {len(winners)} laptops"
              f" ({said['bytes']} foretold), {(time.monotonic() - began) / len(winners):.2f} s each")
        for login, (employee, laptop, office) in laptops.items():
            if office not in (old, new):
                self.assertEqual(laptop.sync()["digest"], "equal", login)
        self.check(w, laptops)


if __name__ == "__main__":
    unittest.main(verbosity=1)
