#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""J12, a laptop's life, on real programs: it comes in, is pulled off the cable, written to by a tool, lost, and its person gets
everything back on another; an old copy of a laptop is noticed. Files and profiles of what a laptop holds have stories of their own."""
import json
import re
import shutil
import subprocess
import unittest

from fieldbook import BIN, Laptop, World, until

REFUSED = 5
ROWS = 12000
MANY = f"""WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
INSERT INTO company (name, website, owner_id) SELECT 'Company ' || i, 'c' || i || '.example', (SELECT id FROM employee WHERE user_name = 'wu') FROM n"""


class LaptopLifeStory(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.world.__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)
        self.hq = self.world.hq

    def device(self, name):
        listed = [json.loads(line) for line in self.hq.command("device", "list", "--json").splitlines()]
        return next(d for d in listed if d["name"] == name)

    def sent(self, name):
        """Bytes that headquarters sent on each connection of a laptop."""
        def lines():
            return re.findall(rf"device_disconnected device={self.device(name)['id']} .* sent=(\d+)", self.hq.log.read_text())
        return [int(n) for n in until(lines, "headquarters logged the connection")]

    def a_first_copy_is_interrupted(self, laptop):
        sync = subprocess.Popen([str(BIN / "fieldbook-replica"), "sync", "--data", str(laptop.data)], stderr=subprocess.DEVNULL)
        until(lambda: (laptop.rows("SELECT sum(rows) FROM fb_stage")[0][0] or 0) > 0.4 * ROWS or sync.poll() is not None, "40 % is there")
        sync.kill()  # the cable, and the laptop with it
        sync.wait()
        self.assertGreater(laptop.rows("SELECT count(*) FROM fb_stage")[0][0], 0, "it was too fast to be interrupted")
        return laptop.rows("SELECT max(rowid) FROM fb_stage")[0][0]

    def test_the_story(self):
        # 1. A new rep gets a code; the first copy is cut at 40 % and goes on.
        self.hq.add_user("wu", "Wu Fang", "admin")
        self.hq.sql(MANY)
        laptop = Laptop(self.world.folder / "wu", self.hq, "wu", "first")
        self.world.nodes.append(laptop)
        self.a_first_copy_is_interrupted(laptop)
        laptop.sync()
        self.assertEqual(laptop.rows("SELECT count(*) FROM company")[0][0], ROWS)

        # 3. Somebody uses a stock tool on the laptop's file: it is journalled and synced, as that laptop's.
        laptop.shell("UPDATE company SET website = 'changed.example' WHERE name = 'Company 7';")
        laptop.sql("INSERT INTO personal_contact (owner_id, family_name) SELECT value, 'Aunt Mei' FROM fb_meta WHERE key = 'employee_id'")
        laptop.sync()
        self.assertEqual(self.hq.rows("SELECT website FROM company WHERE name = 'Company 7'"), [("changed.example",)])
        who = self.hq.rows("SELECT d.name FROM fb_rev r JOIN device d ON d.id = r.device_id ORDER BY r.rev DESC LIMIT 1")
        self.assertEqual(who, [("first",)])
        kept = self.world.folder / "kept"
        shutil.copytree(laptop.data, kept)

        # 6. An old copy of the file is put back: noticed, nothing doubled.
        laptop.shell("UPDATE company SET website = 'newer.example' WHERE name = 'Company 7';")
        laptop.sync()
        shutil.rmtree(laptop.data)
        shutil.copytree(kept, laptop.data)
        laptop.shell("UPDATE company SET website = 'from the copy' WHERE name = 'Company 8';")
        laptop.sync()
        lives = self.hq.rows("SELECT count(*) FROM fb_incarnation WHERE device_id = ?", self.device("first")["id"])[0][0]
        self.assertEqual(lives, 2)
        self.assertEqual(laptop.rows("SELECT website FROM company WHERE name IN ('Company 7', 'Company 8') ORDER BY name"),
                         [("newer.example",), ("from the copy",)])
        self.assertEqual(self.hq.rows("SELECT count(*) FROM company")[0][0], ROWS)

        # 4. The laptop is lost with an edit on it: refused at once, what it had is said, and the order to erase waits.
        laptop.shell("UPDATE company SET website = 'never seen' WHERE name = 'Company 9';")
        said = self.hq.command("device", "revoke", "first", check=False).stderr
        self.assertIn("made since are not", said)
        refused = laptop.sync(check=False)
        self.assertEqual(refused.returncode, REFUSED)
        self.hq.command("device", "wipe", "first")
        self.assertIn("to be erased", self.device("first")["wipe"])
        self.assertEqual(self.hq.rows("SELECT website FROM company WHERE name = 'Company 9'"), [("c9.example",)])

        # 5. Its person gets a new one: everything is there, private contacts too.
        second = Laptop(self.world.folder / "second", self.hq, "wu", "second")
        self.world.nodes.append(second)
        second.sync()
        self.assertEqual(second.rows("SELECT family_name FROM personal_contact"), [("Aunt Mei",)])
        self.assertEqual(second.rows("SELECT count(*) FROM company")[0][0], ROWS)
        self.assertLess(self.sent("first")[1], 0.8 * self.sent("second")[0], "the first copy began anew after it was interrupted")

        # The lost one turns up after all: it erases itself and says so.
        self.assertEqual(laptop.sync(check=False).returncode, REFUSED)
        self.assertIn("unsent edits lost: 1", self.device("first")["wipe"])
        self.assertFalse((laptop.data / "fieldbook.db").exists())


if __name__ == "__main__":
    unittest.main(verbosity=1)
