#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A laptop is told to erase its data: it hands in its work first, erases, and says so; a stolen one hands in nothing."""
import json
import time
import unittest

from fieldbook import World, run, until

REFUSED = 5
SECRET = "Zanzibar-7741"


class WipeTest(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.world.__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)
        self.hq = self.world.hq
        self.laptop = self.world.laptop("wu")
        self.laptop.sync()

    def device(self, name="wu"):
        listed = [json.loads(line) for line in self.hq.command("device", "list", "--json").splitlines()]
        return next(d for d in listed if d["name"] == name)

    def edits(self, count=3):
        for i in range(count):
            self.laptop.sql("INSERT INTO company (name, owner_id) SELECT ?, value FROM fb_meta WHERE key = 'employee_id'", f"{SECRET} {i}")

    def at_headquarters(self):
        return self.hq.rows("SELECT count(*) FROM company WHERE name LIKE ?", SECRET + "%")[0][0]

    def left(self):
        return sorted(p.name for p in self.laptop.data.iterdir())

    def nothing_is_left(self):
        self.assertEqual([n for n in self.left() if n not in ("wiped", "lock", "replica.conf")], [])
        for path in self.laptop.data.iterdir():
            self.assertNotIn(SECRET.encode(), path.read_bytes())

    def test_the_work_is_handed_in_before_the_data_goes(self):
        self.edits()
        self.hq.command("device", "wipe", "wu")
        self.assertIn("handed in", self.device()["wipe"])
        done = self.laptop.command("sync", check=False)
        self.assertEqual(done.returncode, REFUSED, done.stderr)
        self.assertIn("erased", done.stderr)
        self.assertEqual(self.at_headquarters(), 3)
        device = self.device()
        self.assertEqual(device["state"], "wiped")
        self.assertIn("unsent edits lost: 0", device["wipe"])
        self.nothing_is_left()
        for words in (["status"], ["outbox"], ["sync"], ["run"], ["conflict", "list"]):
            again = self.laptop.command(*words, check=False)
            self.assertEqual(again.returncode, REFUSED, words)
            self.assertIn("erased", again.stderr)

    def test_a_stolen_laptop_hands_in_nothing_and_says_what_is_lost(self):
        self.edits()
        self.hq.command("device", "wipe", "wu", "--discard-unsent")
        self.assertEqual(self.laptop.command("sync", check=False).returncode, REFUSED)
        self.assertEqual(self.at_headquarters(), 0)
        self.assertIn("unsent edits lost: 3", self.device()["wipe"])
        self.nothing_is_left()

    def test_a_connected_laptop_is_wiped_within_seconds(self):
        self.laptop.start("--web", "localhost:0")
        until(lambda: "connected" in self.laptop.log.read_text(), "the laptop is connected")
        self.hq.command("device", "wipe", "wu")
        until(lambda: self.laptop.process.poll() is not None, "the laptop's daemon ends", 15)
        self.assertEqual(self.laptop.process.returncode, REFUSED, self.laptop.log.read_text())
        self.laptop.process = None
        self.assertIn("erased", until(lambda: self.device()["wipe"], "headquarters knows"))
        self.nothing_is_left()

    def test_a_wipe_that_was_interrupted_goes_on_and_is_told_later(self):
        self.edits(1)
        self.hq.command("device", "wipe", "wu", "--discard-unsent")
        (self.laptop.data / "wiped").write_text(f"unsent 1\nat_ms 1796000000000\nserver {self.hq.address}\n")
        self.hq.stop()  # the machine went down before anything but the mark was written; headquarters is away
        self.assertEqual(self.laptop.command("outbox", check=False).returncode, REFUSED)
        self.assertEqual(self.laptop.command("sync", check=False).returncode, REFUSED)
        self.assertNotIn("fieldbook.db", self.left())
        self.assertIn("key.pem", self.left())
        self.assertIn("to be erased", self.device()["wipe"])
        self.hq.start()
        self.assertEqual(self.laptop.command("sync", check=False).returncode, REFUSED)
        self.assertIn("unsent edits lost: 1", self.device()["wipe"])
        self.nothing_is_left()

    def test_a_lost_laptop_is_revoked_and_what_it_had_is_said(self):
        self.edits(2)
        time.sleep(1.5)
        said = self.hq.command("device", "revoke", "wu", check=False).stderr
        self.assertIn("unsent edits there: 0", said)
        self.assertIn("made since are not", said)
        done = self.laptop.command("sync", check=False)
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn("revoked", done.stderr)
        self.assertTrue((self.laptop.data / "fieldbook.db").exists())
        self.hq.command("device", "wipe", "wu")  # a revoked one can still be told to erase itself, but hands in nothing
        self.assertEqual(self.laptop.command("sync", check=False).returncode, REFUSED)
        self.assertEqual(self.at_headquarters(), 0)
        self.assertIn("unsent edits lost: 2", self.device()["wipe"])

    def test_the_folder_can_be_enrolled_again_and_the_person_gets_everything_back(self):
        self.edits()
        self.hq.command("device", "wipe", "wu")
        self.laptop.command("sync", check=False)
        self.laptop.command("enrol", "--server", self.hq.address, "--code", self.hq.invite("wu", "second"))
        self.laptop.sync()
        self.assertEqual(self.laptop.rows("SELECT count(*) FROM company WHERE name LIKE ?", SECRET + "%")[0][0], 3)
        self.assertEqual(self.device("second")["state"], "active")


if __name__ == "__main__":
    unittest.main(verbosity=1)
