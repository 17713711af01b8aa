#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real data sets imported with the shipped mappings, downloaded to two laptops, and a register's real changes as concurrent edits."""
import json
import random
import unittest

from fieldbook import ROOT, SHARED, World, differences, strangers

DATA = SHARED / "data"
MAPPINGS = ROOT / "share/mappings"


@unittest.skipUnless(DATA.exists(), "the real data sets (../shared/data) are not here")
class RealData(unittest.TestCase):
    def load(self, hq, folder, steps):
        """Imports files in order; each result as the JSON the command printed."""
        results = {}
        for mapping, entity, file in steps:
            out = hq.command("import", entity, DATA / folder / file, "--mapping", MAPPINGS / folder / mapping, "--json",
                             "--rejects", hq.data.parent / f"{mapping}.rejects.csv")
            result = json.loads(out.splitlines()[-1])
            self.assertEqual(result["read"], result["new"] + result["updated"] + result["unchanged"] + result["rejected"], (mapping, result))
            results[mapping] = result
        return results

    def steps(self, folder):
        """(mapping, entity, file) in the order to import: the mappings' names are numbered and they name their file."""
        mappings = [(path.name, json.loads(path.read_text())) for path in sorted((MAPPINGS / folder).glob("*.json"))]
        return [(name, mapping["entity"], mapping["file"]) for name, mapping in mappings]

    def count(self, node, sql):
        return node.rows(sql)[0][0]

    def test_maven_and_northwind_reach_two_laptops(self):
        with World() as w:
            maven = self.load(w.hq, "maven-crm", self.steps("maven-crm"))
            self.assertEqual(sum(r["rejected"] for r in maven.values()), 0, maven)
            keys = "SELECT count(*) FROM exchange_key WHERE system = 'maven-crm' AND entity = "
            self.assertEqual(self.count(w.hq, keys + "'company'"), 85)
            self.assertEqual(self.count(w.hq, keys + "'opportunity'"), 8800)
            self.assertEqual(self.count(w.hq, "SELECT count(DISTINCT owner_id) FROM opportunity"), 30)
            self.assertEqual(self.count(w.hq, "SELECT count(*) FROM employee WHERE manager_id IS NOT NULL"), 35)
            self.assertEqual(self.count(w.hq, "SELECT count(DISTINCT manager_id) FROM employee WHERE manager_id IS NOT NULL"), 6)
            self.assertEqual(self.count(w.hq, "SELECT count(*) FROM opportunity_line l JOIN product p ON p.id = l.product_id"
                                              " WHERE p.code = 'GTX Pro' OR p.name_en = 'GTX Pro' OR p.name_zh = 'GTX Pro'"), 1480)
            self.assertEqual(self.count(w.hq, "SELECT count(*) FROM opportunity WHERE company_id IS NULL"), 1425)
            again = self.load(w.hq, "maven-crm", self.steps("maven-crm"))
            self.assertEqual(sum(r["new"] for r in again.values()), 0, again)

            northwind = self.load(w.hq, "northwind", self.steps("northwind"))
            self.assertEqual(sum(r["rejected"] for r in northwind.values()), 0, northwind)
            keys = "SELECT count(*) FROM exchange_key WHERE system = 'northwind' AND entity = "
            self.assertEqual(self.count(w.hq, keys + "'sales_order'"), 830)
            self.assertEqual(self.count(w.hq, "SELECT count(*) FROM order_line"), 2155)
            self.assertEqual(self.count(w.hq, "SELECT count(*) FROM company c JOIN exchange_key k ON k.record_id = c.id"
                                              " WHERE k.system = 'northwind' AND c.kind = 'customer'"), 91)
            for name in ("ana", "bob"):
                laptop = w.laptop(name)
                self.assertEqual(laptop.sync()["digest"], "equal")
                self.assertEqual(strangers(w.hq, laptop), [])
                # Every company with what belongs to it is here; what belongs to no company stays with its owner.
                for sql in ("SELECT count(*) FROM company", "SELECT count(*) FROM contact WHERE company_id IS NOT NULL",
                            "SELECT count(*) FROM sales_order", "SELECT count(*) FROM order_line", "SELECT count(*) FROM employee",
                            "SELECT count(*) FROM opportunity WHERE company_id IS NOT NULL",
                            "SELECT count(*) FROM opportunity_line l JOIN opportunity o ON o.id = l.opportunity_id WHERE o.company_id IS NOT NULL"):
                    self.assertEqual(self.count(laptop, sql), self.count(w.hq, sql), sql)
                self.assertEqual(self.count(laptop, "SELECT count(*) FROM opportunity WHERE company_id IS NULL"), 0)

    def test_a_register_of_two_years_as_edits_on_two_laptops(self):
        with World() as w:
            mapping = MAPPINGS / "tw-listed/listed.json"
            register = DATA / "tw-listed-companies"
            w.hq.command("import", "company", register / "listed_2023-08-31.csv", "--mapping", mapping, "--rejects", w.hq.data / "rejects.csv")
            self.assertEqual(self.count(w.hq, "SELECT count(*) FROM exchange_key WHERE entity = 'company'"), 992)
            ana, bob = w.laptop("ana"), w.laptop("bob")
            ana.sync()
            bob.sync()
            before = dict((r[0], r[1:]) for r in w.hq.rows("SELECT id, name, short_name, website, registered_capital FROM company"))

            # ana imports the next year's file, bob edits the same rows by hand, both offline.
            ana.command("import", "company", register / "listed_2024-10-29.csv", "--mapping", mapping, "--rejects", ana.data / "rejects.csv")
            changed = [i for i, *_ in ana.rows("SELECT id FROM company") if i in before]
            rng = random.Random(5)
            touched = rng.sample(sorted(changed), 300)
            bob.sql("".join(f"UPDATE company SET website = 'https://bob{number}.example', registered_capital = {1000 + number}"
                            f" WHERE id = '{row}';" for number, row in enumerate(touched)))
            mine = dict((r[0], r[1:]) for r in ana.rows("SELECT id, website, registered_capital FROM company"))
            ana.sync()
            bob.sync()
            ana.sync()
            self.assertEqual(differences(w.hq, ana), [])
            self.assertEqual(differences(w.hq, bob), [])

            collisions = 0
            at_headquarters = {r[0]: r[1:] for r in w.hq.rows("SELECT id, website, registered_capital FROM company")}
            conflicts = {}
            for row, field, theirs, ours in w.hq.rows("SELECT record_id, field_group, theirs, mine FROM conflict"):
                conflicts.setdefault((row, field), []).append(theirs + ours)
            for number, row in enumerate(touched):
                now = at_headquarters[row]
                for column, (old, theirs, ours, stands) in enumerate(zip((before[row][2], before[row][3]), mine[row],
                                                                        (f"https://bob{number}.example", 1000 + number), now)):
                    if theirs == old or theirs == ours:
                        self.assertEqual(stands, ours)
                        continue
                    collisions += 1
                    loser = theirs if stands == ours else ours
                    self.assertIn(stands, (theirs, ours))
                    field = ("website", "registered_capital")[column]
                    self.assertTrue(any(str(loser) in values for values in conflicts.get((row, field), [])), (row, field, loser))
            self.assertGreater(collisions, 20)


if __name__ == "__main__":
    unittest.main(verbosity=1)
