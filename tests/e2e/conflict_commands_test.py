#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Conflicts and held edits as people deal with them on the command line, at headquarters and on a laptop."""
import json
import unicodedata
import unittest
import uuid

from fieldbook import Failed, World, until


def rows(node, *words):
    return [json.loads(line) for line in node.command(*words, "--json").splitlines()]


def facts(node, *words):
    """What `show` prints for programs, by name."""
    return {row["what"]: row["value"] for row in rows(node, *words)}


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.hq = cls.world.hq
        cls.ana = cls.world.laptop("ana", person="李明")
        cls.ana.sync()

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def company(self, name):
        self.ana.sql("INSERT INTO company (name, kind, status, owner_id) SELECT ?, 'prospect', 'active', id FROM employee WHERE user_name = 'ana'", name)
        self.ana.sync()
        return self.ana.rows("SELECT id FROM company WHERE name = ?", name)[0][0]

    def clash(self, original, theirs, mine):
        """A company whose name both sides changed: a person decides. The conflict's row, of --json."""
        company = self.company(original)
        self.hq.sql("UPDATE company SET name = ? WHERE id = ?", theirs, company)
        self.ana.sql("UPDATE company SET name = ? WHERE id = ?", mine, company)
        self.ana.sync()
        found = [c for c in rows(self.hq, "conflict", "list") if json.loads(c["laptop"]) == {"name": mine}]
        self.assertEqual(len(found), 1)
        return company, found[0]

    def name(self, company, node=None):
        return (node or self.hq).rows("SELECT name FROM company WHERE id = ?", company)[0][0]

    def settles(self, read, expected):
        """The daemon at headquarters takes a command's rows in by itself, soon."""
        until(lambda: read() == expected, f"it becomes {expected}, is {read()}")

    def hold(self, original):
        """An edit that headquarters must hold: its parent is a company that nobody has. Company, id of the held edit, parent."""
        company = self.company(original)
        nowhere = "0191e0a0-0000-7000-8000-" + uuid.uuid4().hex[:12]
        self.ana.sql("UPDATE company SET website = ?, parent_id = ? WHERE id = ?", "held.example", nowhere, company)
        self.ana.sync()
        record = [row[0] for row in self.hq.rows("SELECT id FROM held_change WHERE record_id = ? AND state = 'waiting'", company)]
        self.assertEqual(len(record), 1)
        return company, record[0], nowhere

    def state(self, held, node=None):
        return (node or self.hq).rows("SELECT state FROM held_change WHERE id = ?", held)[0][0]

    def website(self, company):
        return self.hq.rows("SELECT website FROM company WHERE id = ?", company)[0][0]

    # ---- Conflicts ----

    def test_people_see_plain_values_and_programs_the_raw_ones(self):
        company, conflict = self.clash("东华", "东华精机", "东华精密")
        self.assertEqual(json.loads(conflict["headquarters"]), {"name": "东华精机"})
        self.assertRegex(conflict["at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(len(conflict["id"]), 36)
        for node in (self.hq, self.ana):
            line = [text for text in node.command("conflict", "list").splitlines() if "东华精密" in text][0]
            self.assertNotIn("{", line)
            self.assertIn(conflict["id"][24:] + "  waiting", line)
            self.assertNotIn(conflict["id"], line)
            self.assertRegex(line, r"东华精机 +东华精密 +李明 +\d{4}-\d\d-\d\d \d\d:\d\d ")
        shown = self.hq.command("conflict", "show", conflict["id"][24:])
        self.assertRegex(shown, "original +东华\n")
        self.assertRegex(shown, "headquarters +东华精机\n")
        self.assertRegex(shown, "laptop_by +李明\n")
        self.assertEqual(json.loads(facts(self.hq, "conflict", "show", conflict["id"])["original"]), {"name": "东华"})
        self.hq.command("conflict", "rule", conflict["id"], "--keep", "theirs")
        self.settles(lambda: self.name(company), "东华精机")

    def test_groups_rows_and_long_texts_are_readable_in_a_list(self):
        company = self.company("长列表")
        self.ana.sql("UPDATE company SET annual_revenue = 123450, revenue_year = 2025 WHERE id = ?", company)
        self.hq.sql("UPDATE company SET annual_revenue = 100, website = 'https://' || hex(zeroblob(40)) WHERE id = ?", company)
        self.ana.sql("UPDATE company SET website = '" + "网" * 50 + "' WHERE id = ?", company)
        self.ana.sync()
        lines = self.hq.command("conflict", "list", "--all").splitlines()
        self.assertIn("annual_revenue=1234.50, revenue_year=202…", [text for text in lines if " revenue " in text][0])
        cut = [text for text in lines if "网" * 40 + "…" in text][0]
        self.assertNotIn("网" * 41, cut)
        columns = {self.width(text[:text.index("李明")]) for text in lines if "李明" in text}
        self.assertEqual(len(columns), 1, "the column begins at the same place, Chinese or not")
        self.ana.sql("UPDATE company SET short_name = 'kept' WHERE id = ?", company)
        self.hq.sql("DELETE FROM company WHERE id = ?", company)
        self.ana.sync()
        row = [text for text in self.hq.command("conflict", "list", "--all").splitlines() if "edit over delete" in text][0]
        self.assertRegex(row, r"\(deleted\) +short_name=kept")

    @staticmethod
    def width(text):
        return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)

    def test_each_way_of_ruling_puts_its_value_everywhere(self):
        for words, expected in ((["--keep", "theirs"], "theirs"), (["--keep", "mine"], "mine"), (["--keep", "base"], "base"), (["--value", "typed"], "typed")):
            with self.subTest(words):
                company, conflict = self.clash("base", "theirs", "mine")
                self.hq.command("conflict", "rule", conflict["id"][24:], *words, "--note", "so it is")
                self.settles(lambda: self.name(company), expected)
                self.ana.sync()
                self.assertEqual(self.name(company, self.ana), expected)
                shown = facts(self.ana, "conflict", "show", conflict["id"])
                self.assertEqual((shown["note"], shown["state"] != "waiting"), ("so it is", True))
                self.ana.sql("DELETE FROM company WHERE id = ?", company)
                self.ana.sync()

    def test_a_ruling_on_a_laptop_travels(self):
        company, conflict = self.clash("laptop rules", "at hq", "on the laptop")
        self.ana.command("conflict", "rule", conflict["id"], "--keep", "mine")
        self.assertEqual(self.name(company), "at hq")
        self.ana.sync()
        self.settles(lambda: self.name(company), "on the laptop")
        self.assertEqual(self.name(company, self.ana), "on the laptop")

    def test_many_are_ruled_at_once_or_none(self):
        pairs = [self.clash(f"bulk {i}", f"theirs {i}", f"mine {i}") for i in range(3)]
        ids = [conflict["id"][24:] for _, conflict in pairs]
        with self.assertRaisesRegex(Failed, "there is no conflict ffffffffffff"):
            self.hq.command("conflict", "rule", *ids, "ffffffffffff", "--keep", "mine")
        self.assertEqual([self.name(company) for company, _ in pairs], ["theirs 0", "theirs 1", "theirs 2"])
        self.hq.command("conflict", "rule", *ids, "--keep", "mine")
        self.settles(lambda: [self.name(company) for company, _ in pairs], ["mine 0", "mine 1", "mine 2"])

    def test_what_a_rule_settled_can_be_overruled(self):
        company = self.company("settled by rule")
        self.ana.sql("UPDATE company SET website = 'a.example' WHERE id = ?", company)
        self.hq.sql("UPDATE company SET website = 'b.example' WHERE id = ?", company)
        self.ana.sync()
        conflict = [c for c in rows(self.hq, "conflict", "list", "--all") if c["field"] == "website" and c["record"] == "settled by rule"][0]
        self.assertEqual(conflict["state"], "auto")
        stood = self.website(company)
        other = {"a.example": "theirs", "b.example": "mine"}[stood]
        self.hq.command("conflict", "rule", conflict["id"], "--keep", other)
        self.settles(lambda: self.website(company), ({"a.example", "b.example"} - {stood}).pop())

    def test_an_id_too_short_or_unknown_says_what_to_do(self):
        for words, sentence in ((["show", "0191"], "at least 8 characters"), (["show", "ffffffffffff"], "conflict list --all"),
                                (["rule", "ffffffffffff", "--keep", "ours"], "theirs is headquarters'"), (["rule", "ffffffffffff"], "either --keep")):
            with self.assertRaisesRegex(Failed, sentence):
                self.hq.command("conflict", *words)

    # ---- Held edits ----

    def test_a_held_edit_is_shown_field_by_field(self):
        company, held, _ = self.hold("shown")
        for node in (self.hq, self.ana):
            self.assertIn(held[24:] + "  waiting", node.command("held", "list"))
            shown = node.command("held", "show", held[24:])
            self.assertRegex(shown, r"  website +\(empty\) > held.example\n")
            self.assertRegex(shown, r"  parent_id +\(empty\) > ")
            self.assertEqual(json.loads(facts(node, "held", "show", held)["changes"])[0]["id"], company)
        self.hq.command("held", "discard", held)

    def test_correcting_applies_all_of_the_edit(self):
        for node in (self.hq, self.ana):
            with self.subTest(node.program):
                company, held, _ = self.hold("corrected by " + node.program)
                node.command("held", "correct", held[24:], "parent_id=", "website=right.example")
                self.ana.sync()
                self.settles(lambda: (self.state(held), self.website(company)), ("corrected", "right.example"))
                self.ana.sync()
                self.assertEqual(self.state(held, self.ana), "corrected")
                with self.assertRaisesRegex(Failed, "was dealt with before"):
                    node.command("held", "correct", held, "website=x")

    def test_a_retry_works_once_the_reason_is_gone(self):
        for node in (self.hq, self.ana):
            with self.subTest(node.program):
                company, held, nowhere = self.hold("retried by " + node.program)
                node.command("held", "retry", held)
                self.ana.sync()
                self.settles(lambda: (self.state(held), self.website(company)), ("waiting", None))
                self.ana.sync()
                self.hq.sql("INSERT INTO company (id, name, kind, status, owner_id) SELECT ?, 'parent', 'prospect', 'active', owner_id"
                            " FROM company WHERE id = ?", nowhere, company)
                self.ana.sync()
                node.command("held", "retry", held)
                self.ana.sync()
                self.settles(lambda: (self.state(held), self.website(company)), ("retried", "held.example"))

    def test_a_discarded_edit_leaves_the_record_and_stays_readable(self):
        for node in (self.hq, self.ana):
            with self.subTest(node.program):
                company, held, _ = self.hold("discarded by " + node.program)
                node.command("held", "discard", held[24:])
                self.ana.sync()
                self.assertEqual((self.state(held), self.website(company)), ("discarded", None))
                self.assertNotIn(held[24:], node.command("held", "list", check=False).stdout)
                self.assertIn("held.example", node.command("held", "show", held))

    def test_a_wrong_correction_is_refused_and_changes_nothing(self):
        _, held, _ = self.hold("wrong correction")
        for assignment, sentence in (("parent_id", "is not FIELD=VALUE"), ("no_such=1", "has no field no_such"), ("parent_id=nonsense", "parent_id")):
            with self.assertRaisesRegex(Failed, sentence):
                self.hq.command("held", "correct", held, assignment)
        self.assertEqual(self.state(held), "waiting")
        self.hq.command("held", "discard", held)

    def test_before_the_first_download_the_commands_say_so(self):
        fresh = self.world.laptop("fresh")
        for words in (["conflict", "list"], ["held", "list"]):
            with self.assertRaisesRegex(Failed, "before its first download"):
                fresh.command(*words)


if __name__ == "__main__":
    unittest.main(verbosity=1)
