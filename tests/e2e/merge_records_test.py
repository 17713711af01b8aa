#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Duplicates and merging of records, by commands at headquarters and on a laptop (journey J15, step 3)."""
import json
import unittest

from fieldbook import Failed, World, until


def rows(node, *words):
    return [json.loads(line) for line in node.command(*words, "--json").splitlines()]


class MergeRecords(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.hq = cls.world.hq
        cls.ana = cls.world.laptop("ana", person="李明")
        cls.ana.sync()
        cls.laptops = {}

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def company(self, name, **fields):
        names = ["name", "kind", "status", "owner_id", *fields]
        values = "?, 'prospect', 'active', (SELECT id FROM employee WHERE user_name = 'ana')" + ", ?" * len(fields)
        self.ana.sql(f"INSERT INTO company ({', '.join(names)}) VALUES ({values})", name, *fields.values())
        self.ana.sync()
        return self.ana.rows("SELECT id FROM company WHERE name = ?", name)[0][0]

    def value(self, company, field, node=None):
        found = (node or self.hq).rows(f"SELECT {field} FROM company WHERE id = ?", company)
        return found[0][0] if found else "(no row)"

    def settles(self, read, expected):
        until(lambda: read() == expected, f"it becomes {expected}, is {read()}")

    def test_names_that_differ_by_their_legal_form_are_suspected_and_dismissed_for_good(self):
        first = self.company("恒新机电有限公司")
        second = self.company("恒新机电（集团）股份有限公司")
        found = [d for d in rows(self.hq, "duplicates", "list") if {d["keep_id"], d["drop_id"]} == {first, second}]
        self.assertEqual([d["alike"] for d in found], ["90"] if isinstance(found[0]["alike"], str) else [90])
        self.assertEqual(found[0]["why"], "same Name")
        self.hq.command("duplicates", "dismiss", found[0]["id"])
        self.hq.sql("UPDATE company SET name = '恒新机电公司' WHERE id = ?", second)
        self.ana.sync()
        self.assertEqual([d for d in rows(self.hq, "duplicates", "list") if second in (d["keep_id"], d["drop_id"])], [])
        with self.assertRaisesRegex(Failed, "not in the list"):
            self.hq.command("duplicates", "dismiss", found[0]["id"])

    def test_two_become_one_with_an_edit_under_way_and_two_again(self):
        keep = self.company("东华精密", do_not_mail=1)
        drop = self.company("东华精机", website="donghua.example", do_not_call=1)
        self.ana.sql("INSERT INTO contact (family_name, company_id, owner_id) SELECT '李', id, owner_id FROM company WHERE id = ?", drop)
        self.ana.sync()
        self.ana.sql("UPDATE company SET short_name = '东华' WHERE id = ?", drop)
        moves = {(m["entity"], m["field"]) for m in rows(self.hq, "merge", "company", keep, drop, "--dry-run")}
        self.assertIn(("contact", "company_id"), moves)
        self.hq.command("merge", "company", keep[24:], drop[24:])
        self.settles(lambda: self.value(drop, "id"), "(no row)")
        self.ana.sync()
        for node in (self.hq, self.ana):
            self.assertEqual([self.value(keep, f, node) for f in ("website", "short_name", "do_not_call", "do_not_mail")],
                             ["donghua.example", "东华", 1, 1])
            self.assertEqual(node.rows("SELECT count(*) FROM contact WHERE company_id = ?", keep), [(1,)])
            self.assertEqual(self.value(drop, "id", node), "(no row)")
        job = [d for d in rows(self.hq, "duplicates", "list", "--all") if d["drop_id"] == drop and d["state"] == "merged"][0]
        self.ana.command("merge", "undo", job["id"])
        self.ana.sync()
        self.settles(lambda: self.value(drop, "website"), "donghua.example")
        self.ana.sync()
        self.assertEqual(self.value(keep, "website", self.ana), None)
        self.assertEqual(self.ana.rows("SELECT count(*) FROM contact WHERE company_id = ?", drop), [(1,)])

    def test_a_laptop_merges_offline_and_chooses_a_value(self):
        keep, drop = self.company("A Ltd", short_name="A"), self.company("B Ltd", short_name="B")
        said = self.ana.command("merge", "company", keep, drop, "--take", "short_name=drop", check=False)
        self.assertIn("merge undo", said.stderr)
        self.assertEqual(self.value(keep, "short_name", self.ana), "A")
        self.ana.sync()
        self.settles(lambda: self.value(keep, "short_name"), "B")
        self.ana.sync()
        self.assertEqual(self.value(drop, "id", self.ana), "(no row)")

    def test_shipped_roles_let_a_manager_merge_in_his_territory_and_a_rep_what_is_his_own(self):
        self.hq.sql("INSERT INTO territory (code, name) VALUES ('E', 'East')")
        for login, name, role in (("zhao", "赵敏", "manager"), ("wang", "王芳", "rep")):
            self.hq.command("user", "add", login, "--name", name, "--role", role, "--territory", "E")
        self.hq.command("status")
        ids = {name: self.company(name) for name in ("E Ltd", "F Ltd", "G Ltd", "H Ltd")}
        self.hq.sql("UPDATE company SET owner_id = (SELECT id FROM employee WHERE user_name = 'wang') WHERE name IN ('G Ltd', 'H Ltd');"
                    " INSERT INTO company_territory (company_id, territory_id, how) SELECT c.id, t.id, 'named' FROM company c, territory t WHERE"
                    " c.name IN ('E Ltd', 'F Ltd', 'G Ltd', 'H Ltd') AND t.code = 'E'")
        for login, keep, drop, is_done in (("wang", "G Ltd", "E Ltd", False), ("wang", "G Ltd", "H Ltd", True), ("zhao", "E Ltd", "F Ltd", True)):
            with self.subTest(f"{login} merges {drop} into {keep}"):
                node = self.laptop_of(login)
                node.command("merge", "company", ids[keep], ids[drop])
                node.sync()
                gone = [] if is_done else [(drop,)]
                self.settles(lambda: self.hq.rows("SELECT name FROM company WHERE id = ?", ids[drop]), gone)
        self.assertEqual(self.hq.rows("SELECT count(*) FROM held_change WHERE entity = 'merge_job' AND reason = 'right'"), [(1,)])

    def laptop_of(self, login):
        if login not in self.laptops:
            self.laptops[login] = self.world.laptop(login, login=login)
            self.laptops[login].sync()
        return self.laptops[login]

    def test_a_wish_that_makes_no_sense_is_refused(self):
        keep, drop = self.company("C Ltd"), self.company("D Ltd")
        for words, sentence in ((["company", keep, keep], "with itself"), (["no_such", keep, drop], "no entity no_such"),
                                (["company", keep, drop, "--take", "no_such=drop"], "no field no_such"),
                                (["company", keep, drop, "--take", "name=mine"], "either keep's"),
                                (["company", keep, drop, "--take", "name"], "FIELD=keep"),
                                (["company", keep, "0191e0a0-0000-7000-8000-000000000000"], "there is no")):
            with self.subTest(words), self.assertRaisesRegex(Failed, sentence):
                self.hq.command("merge", *words)
        self.assertEqual(self.value(drop, "name"), "D Ltd")


if __name__ == "__main__":
    unittest.main(verbosity=1)
