#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A laptop's folder is copied to a second laptop and both go on (C2): nothing either wrote is lost, and the copy becomes a device of its own."""
import shutil
import unittest

from fieldbook import Failed, Laptop, World, strangers

COMPANY = "INSERT INTO company (name, kind, status, owner_id) SELECT ?, 'prospect', 'active', id FROM employee WHERE user_name = 'ana'"


def names(node):
    return {name for (name,) in node.rows("SELECT name FROM company")}


class Copies(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.hq = self.world.hq
        self.ana = self.world.laptop("ana")
        self.ana.sync()
        shutil.copytree(self.ana.data, self.world.folder / "copy")
        self.copy = Laptop.__new__(Laptop)
        super(Laptop, self.copy).__init__(self.world.folder / "copy")
        self.copy.hq = self.hq
        self.world.nodes.append(self.copy)

    def tearDown(self):
        self.world.__exit__(None, None, None)

    def test_both_hand_in_their_work_and_the_one_whose_place_was_taken_enrols_anew(self):
        self.ana.sql(COMPANY, "by the original")
        self.copy.sql(COMPANY, "by the copy")
        self.ana.sync()
        self.copy.sync()
        self.copy.sync()
        self.assertTrue({"by the original", "by the copy"} <= names(self.hq))
        self.ana.sql(COMPANY, "by the original, later")
        told = self.ana.sync("--json", check=False)
        self.assertIn("by the original, later", names(self.hq), told.stderr)
        self.assertIn("enrol", told.stderr + self.ana.command("status"))
        with self.assertRaises(Failed) as refused:
            self.copy.command("enrol", "--server", self.hq.address, "--code", self.hq.invite("ana", "second"))
        self.assertIn("enrolled", refused.exception.stderr)
        self.ana.command("enrol", "--server", self.hq.address, "--code", self.hq.invite("ana", "second"))
        self.ana.sql(COMPANY, "as a device of its own")
        for laptop in (self.ana, self.copy, self.ana):
            laptop.sync()
        self.assertEqual(self.hq.rows("SELECT count(*) FROM device WHERE kind = 'laptop' AND state = 'active'"), [(2,)])
        for laptop in (self.ana, self.copy):
            self.assertTrue({"by the original", "by the copy", "by the original, later", "as a device of its own"} <= names(laptop))
            self.assertEqual(strangers(self.hq, laptop), [])

    def test_a_database_put_back_beside_the_certificate_of_a_later_enrolment_takes_its_name(self):
        self.ana.sql(COMPANY, "by the original")
        self.copy.sql(COMPANY, "by the copy")
        self.ana.sync()
        self.copy.sync()
        self.copy.sync()
        self.ana.sql(COMPANY, "by the original, later")
        before = self.world.folder / "before"
        before.mkdir()
        for file in self.ana.data.glob("fieldbook.db*"):
            shutil.copy(file, before)
        self.ana.sync(check=False)
        self.ana.command("enrol", "--server", self.hq.address, "--code", self.hq.invite("ana", "second"))
        self.ana.sql(COMPANY, "as a device of its own")
        self.ana.sync()
        for file in self.ana.data.glob("fieldbook.db*"):
            file.unlink()
        for file in before.iterdir():
            shutil.copy(file, self.ana.data)
        self.ana.sync()
        self.assertTrue({"by the original", "by the copy", "by the original, later", "as a device of its own"} <= names(self.ana))
        self.assertEqual(strangers(self.hq, self.ana), [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
