#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two people, one company (journey J6), through the commands of both programs."""
import json
import unittest

from fieldbook import Failed, World, until


def rows(node, *words):
    return [json.loads(line) for line in node.command(*words, "--json").splitlines()]


class TwoPeopleOneCompany(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.hq = cls.world.hq
        cls.ana = cls.world.laptop("ana", person="李明")
        cls.ana.sync()
        cls.ana.sql("INSERT INTO company (name, kind, status, owner_id, description) SELECT '东华精密', 'prospect', 'active', id, 'first line'"
                    " FROM employee WHERE user_name = 'ana'")
        cls.ana.sync()
        cls.company = cls.ana.rows("SELECT id FROM company WHERE name = '东华精密'")[0][0]

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def value(self, field, node=None):
        return (node or self.hq).rows(f"SELECT {field} FROM company WHERE id = ?", self.company)[0][0]

    def settles(self, field, expected):
        until(lambda: self.value(field) == expected, f"{field} becomes {expected}, is {self.value(field)}")

    def conflict(self, field):
        return [c for c in rows(self.hq, "conflict", "list", "--state", "any", "--field", field) if c["record"]][0]

    def test_the_story(self):
        self.hq.sql("UPDATE company SET website = 'hq.example', description = 'first line\nfrom headquarters', name = '东华精机',"
                    " credit_limit = 200000 WHERE id = ?", self.company)
        self.ana.sql("UPDATE company SET short_name = '东华', description = 'from the laptop\nfirst line', name = '东华精密股份',"
                     " credit_limit = 500000 WHERE id = ?", self.company)
        self.ana.sync()
        # What needs no question is there on both sides.
        for node in (self.hq, self.ana):
            self.assertEqual([self.value(f, node) for f in ("short_name", "website", "credit_limit", "name")],
                             ["东华", "hq.example", 200000, "东华精机"])
            self.assertEqual(self.value("description", node), "from the laptop\nfirst line\nfrom headquarters")
        # Her list says what became of her edits, and what others changed.
        said = " ".join(r["sentence"] for r in rows(self.ana, "receipts") if r["record"] == "东华精机")
        self.assertIn("Credit limit is kept by headquarters. Your “5000.00” was not taken; it stays “2000.00”.", said)
        self.assertIn("“东华精机” is shown until someone decides.", said)
        changed = {(c["field"], c["before"], c["now"]) for c in rows(self.ana, "changes", "--since", "1")}
        self.assertIn(("website", "(empty)", "hq.example"), changed)
        self.assertIn(("credit_limit", "5000.00", "2000.00"), changed)
        self.assertNotIn("short_name", {c[0] for c in changed})
        # The desk: filters, side by side, many at once, taken back, decided anew.
        name, limit = self.conflict("name"), self.conflict("credit_limit")
        self.assertEqual([c["id"] for c in rows(self.hq, "conflict", "list", "--person", "ana", "--field", "name")], [name["id"]])
        self.assertEqual(rows(self.hq, "conflict", "list", "--older", "3"), [])
        shown = self.hq.command("conflict", "show", name["id"])
        self.assertIn("李明 wrote “东华精密股份” and headquarters wrote “东华精机” in Name of 东华精机.", shown)
        self.ana.command("conflict", "ask", limit["id"], "--note", "the bank said so")
        self.ana.sync()
        self.assertEqual({c["id"] for c in rows(self.hq, "conflict", "list")} & {name["id"], limit["id"]}, {name["id"], limit["id"]})
        self.hq.command("conflict", "rule", name["id"], limit["id"], "--keep", "mine", "--note", "as on the sign")
        self.settles("name", "东华精密股份")
        self.settles("credit_limit", 500000)
        with self.assertRaisesRegex(Failed, "has decided this already"):
            self.hq.command("conflict", "rule", name["id"], "--keep", "base")
        self.hq.command("conflict", "rule", "--field", "credit_limit", "--state", "ruled", "--keep", "base", "--again")
        self.settles("credit_limit", None)
        self.hq.command("conflict", "undo", limit["id"])
        self.settles("credit_limit", 200000)
        self.hq.command("conflict", "rule", name["id"], "--keep", "base", "--again")
        self.settles("name", "东华精密")
        self.ana.sync()
        self.assertEqual([self.value(f, self.ana) for f in ("name", "credit_limit")], ["东华精密", 200000])
        self.assertEqual([c["state"] for c in rows(self.ana, "conflict", "list", "--state", "ruled")], ["kept_base"])

    def test_a_rule_is_rehearsed_and_set(self):
        self.hq.sql("UPDATE company SET industry = 'a' WHERE id = ?", self.company)
        self.ana.sql("UPDATE company SET industry = 'b' WHERE id = ?", self.company)
        self.ana.sync()
        rehearsed = self.hq.command("policy", "rehearse", "company.industry=manual")
        self.assertIn("a person", rehearsed)
        self.assertEqual([r["rule"] for r in rows(self.hq, "policy", "list", "company") if r["field"] == "industry"], ["latest"])
        self.hq.command("policy", "set", "company.industry=manual")
        self.assertEqual([r["rule"] for r in rows(self.hq, "policy", "list", "company") if r["field"] == "industry"], ["manual"])
        self.ana.sync()
        self.assertEqual(self.ana.rows("SELECT max(version) FROM fb_catalogue"), [(2,)])
        self.hq.sql("UPDATE company SET industry = 'c' WHERE id = ?", self.company)
        self.ana.sql("UPDATE company SET industry = 'd' WHERE id = ?", self.company)
        self.ana.sync()
        self.assertEqual(self.value("industry"), "c")
        self.assertEqual([c["field"] for c in rows(self.hq, "conflict", "list", "--field", "industry")], ["industry"])
        for words, sentence in ((["company.industry"], "ENTITY.FIELD=RULE"), (["company.name=sum"], "sum"), (["company.nothing=latest"], "no field nothing")):
            with self.subTest(words), self.assertRaisesRegex(Failed, sentence):
                self.hq.command("policy", "set", *words)

    def test_a_held_edit_is_handed_over_and_says_what_hangs_on_it(self):
        self.ana.sql("UPDATE company SET name_en = 'Donghua', parent_id = '0191e0a0-0000-7000-8000-00000000dead' WHERE id = ?", self.company)
        self.ana.sync()
        held = rows(self.hq, "held", "list")[0]["id"]
        facts = [(r["what"], r["value"]) for r in rows(self.ana, "held", "show", held)]
        self.assertIn(("can_settle", "李明"), facts)
        with self.assertRaisesRegex(Failed, "nobody here has the login"):
            self.hq.command("held", "ask", held, "nobody")
        self.hq.command("held", "ask", held, "admin")
        self.assertEqual(len(self.hq.rows("SELECT 1 FROM held_change WHERE asked_id IS NOT NULL")), 1)
        self.hq.command("held", "discard", held)
        with self.assertRaisesRegex(Failed, "dealt with before"):
            self.hq.command("held", "ask", held, "admin")


if __name__ == "__main__":
    unittest.main(verbosity=1)
