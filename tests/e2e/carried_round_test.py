#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A round carried by file: Ben's customer lets no stranger into his network, and Ben's edits travel on a stick."""
import json
import shutil
import unittest

from fieldbook import Failed, World, differences, until


class Stick:
    """Files on the way between a laptop and headquarters, which stops while it answers."""

    def __init__(self, world):
        self.world, self.hq, self.count = world, world.hq, 0

    def ask(self, laptop):
        self.count += 1
        path = self.world.folder / f"{laptop.data.name}-{self.count}.round"
        self.wrote = json.loads(laptop.command("export-round", path, "--json"))
        return path

    def answer(self, path, *words):
        was_running = self.hq.stop() is not None
        try:
            return json.loads(self.hq.command("answer", path, "--json", *words))
        finally:
            if was_running:
                self.hq.start()

    def round(self, laptop):
        path = self.ask(laptop)
        said = self.answer(path)
        return said, json.loads(laptop.command("import-round", f"{path}.answer", "--json"))


class CarriedRound(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.__exit__, None, None, None)
        self.hq, self.stick = self.world.hq, Stick(self.world)
        self.ana, self.ben = self.world.laptop("ana"), self.world.laptop("ben")
        self.ana.sync()
        self.company(self.ana, "Nordbau")
        self.ana.sync()
        self.id = self.ana.rows("SELECT id FROM company")[0][0]
        self.ben.sync()  # once, at headquarters; from here on only by file

    def company(self, laptop, name):
        laptop.sql("INSERT INTO company (name, kind, status, owner_id) SELECT ?, 'prospect', 'active', id FROM employee"
                   " WHERE user_name = 'ana'", name)

    def names(self, node):
        return {name for (name,) in node.rows("SELECT name FROM company")}

    def value(self, node, field):
        return node.rows(f"SELECT {field} FROM company WHERE id = ?", self.id)[0][0]

    def refuses(self, sentence, run, *words):
        with self.assertRaises(Failed) as failed:
            run(*words)
        self.assertIn(sentence, failed.exception.stderr)
        self.assertEqual(len(failed.exception.stderr.strip().splitlines()), 1, failed.exception.stderr)

    def test_edits_travel_both_ways_and_a_conflict_waits_for_somebody(self):
        ana, ben = self.ana, self.ben
        ana.sql("UPDATE company SET website = 'nordbau.example', name = 'Nordbau AG'")
        self.company(ana, "Südstahl")
        ana.sync()
        ben.sql("UPDATE company SET short_name = 'NB', name = 'Nordbau GmbH'")
        self.company(ben, "Westglas")
        path = self.stick.ask(ben)
        self.assertGreaterEqual(self.stick.wrote["changes"], 2)
        self.assertNotIn(b"Westglas", path.read_bytes())
        # He goes on working while the stick is on its way; ana too.
        self.company(ben, "Ostholz")
        said = self.stick.answer(path)
        self.assertEqual((said["pushes"], said["repeated"], said["conflicts"]), (1, 0, 1))
        ana.sync()
        self.assertIn("Westglas", self.names(ana))
        self.assertEqual(json.loads(ben.command("import-round", f"{path}.answer", "--json"))["digest"], "not compared")
        self.assertEqual(self.names(ben), {"Nordbau AG", "Südstahl", "Westglas", "Ostholz"})
        for field, expected in (("website", "nordbau.example"), ("short_name", "NB"), ("name", "Nordbau AG")):
            self.assertEqual([self.value(n, field) for n in (ana, ben)], [expected] * 2, field)
        self.assertIn("“Nordbau AG” is shown until someone decides.", ben.command("receipts"))
        # The next stick takes what came since; now both hold the same.
        said, took = self.stick.round(ben)
        self.assertEqual((said["pushes"], took["digest"]), (1, "equal"))
        ana.sync()
        self.assertEqual(differences(ana, ben), [])
        self.assertEqual(ben.command("outbox", "--json"), "")
        # And where there is a network again, the ordinary round goes on from there.
        self.company(ben, "Hafenwerk")
        self.assertEqual(ben.sync()["digest"], "equal")
        ana.sync()
        self.assertEqual(differences(ana, ben), [])
        self.hq.stop()
        self.hq.command("verify")

    def test_several_files_without_an_answer_and_the_same_file_answered_twice_lose_and_double_nothing(self):
        ben = self.ben
        self.company(ben, "First")
        lost = self.stick.ask(ben)
        self.company(ben, "Second")
        path = self.stick.ask(ben)
        self.assertEqual(self.stick.answer(path)["pushes"], 2)
        again = self.stick.answer(path, "--out", self.world.folder / "again")
        self.assertEqual((again["pushes"], again["repeated"]), (0, 2))
        self.refuses("have it write a new file", self.stick.answer, lost)
        ben.command("import-round", self.world.folder / "again")
        self.refuses("nothing of this answer is left to take in", ben.command, "import-round", f"{path}.answer")
        self.assertEqual(sorted(self.hq.rows("SELECT name FROM company")), [("First",), ("Nordbau",), ("Second",)])
        self.assertEqual(self.stick.round(ben)[1]["digest"], "equal")

    def test_files_that_do_not_fit_are_refused_in_a_sentence_and_nothing_is_lost(self):
        ben, folder = self.ben, self.world.folder
        self.company(ben, "Westglas")
        older = self.stick.ask(ben)
        path = self.stick.ask(ben)
        self.refuses("stop it, give this command again", self.hq.command, "answer", path)
        bytes_ = path.read_bytes()
        self.hq.stop()
        for name, damaged in (("cut", bytes_[:-1]), ("altered", bytes_[:900] + bytes([bytes_[900] ^ 1]) + bytes_[901:])):
            (folder / name).write_bytes(damaged)
            self.refuses("cut off or altered on the way: copy it again", self.stick.answer, folder / name)
        (folder / "note").write_text("a shopping list")
        self.refuses("this is not the file of a round", self.stick.answer, folder / "note")
        with (folder / "huge").open("wb") as huge:
            huge.truncate(80 << 20)
        self.refuses("is larger than", self.stick.answer, folder / "huge")
        self.stick.answer(older)
        self.stick.answer(path)
        self.refuses("this answers an older file", ben.command, "import-round", f"{older}.answer")
        self.refuses("take it to headquarters", ben.command, "import-round", path)
        self.refuses("take it back to the laptop", self.stick.answer, f"{path}.answer")
        self.refuses("is for another laptop", self.ana.command, "import-round", f"{path}.answer")
        self.hq.start()
        ben.start()
        until(lambda: "connected" in ben.log.read_text(), "the daemon runs")
        self.refuses("the daemon is running", ben.command, "export-round", folder / "busy")
        ben.stop()
        # The daemon has synced meanwhile.
        ben.sync()
        self.refuses("nothing of this answer is left to take in", ben.command, "import-round", f"{path}.answer")
        # Headquarters knows more of him than the old file: it could be a copy of the laptop that wrote it.
        self.company(ben, "Ostholz")
        ben.sync()
        self.refuses("have it write a new file", self.stick.answer, path)
        self.assertEqual(self.stick.round(ben)[1]["digest"], "equal")
        self.assertEqual(self.names(self.hq), {"Nordbau", "Westglas", "Ostholz"})

    def test_who_may_not_connect_may_not_come_by_file_either(self):
        ben, other = self.ben, World()
        self.addCleanup(other.__exit__, None, None, None)
        device = ben.rows("SELECT value FROM fb_meta WHERE key = 'device_id'")[0][0]
        self.company(ben, "Westglas")
        path = self.stick.ask(ben)
        self.refuses("for another headquarters", Stick(other).answer, path)
        hers = self.stick.ask(self.ana)
        self.hq.stop()
        self.hq.command("device", "suspend", device)
        self.refuses("This laptop is suspended", self.stick.answer, path)
        self.hq.command("device", "resume", device)
        self.assertEqual(self.stick.answer(path)["pushes"], 1)
        self.hq.command("device", "wipe", self.ana.rows("SELECT value FROM fb_meta WHERE key = 'device_id'")[0][0])
        self.refuses("is to be erased", self.stick.answer, hers)
        self.hq.command("device", "revoke", device)
        self.refuses("This laptop was revoked", self.stick.answer, path)

    def test_what_must_hear_before_it_speaks_needs_a_connection(self):
        fresh = self.world.laptop("cleo")
        self.refuses("this laptop needs a connection first", fresh.command, "export-round", self.world.folder / "fresh")
        # A laptop set back to last week's copy: its newest push is not the one headquarters has.
        copy = self.world.folder / "copy"
        self.company(self.ben, "Westglas")
        shutil.copytree(self.ben.data, copy)
        self.ben.sync()
        shutil.rmtree(self.ben.data)
        shutil.copytree(copy, self.ben.data)
        self.company(self.ben, "Ostholz")
        path = self.stick.ask(self.ben)
        self.refuses("it needs a connection", self.stick.answer, path)
        self.assertEqual(self.ben.sync()["digest"], "equal")
        self.assertEqual(self.names(self.hq), {"Nordbau", "Westglas", "Ostholz"})


if __name__ == "__main__":
    unittest.main()
