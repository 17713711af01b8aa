#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A fleet that keeps working while headquarters is put back to a backup: in the end everything laptops wrote stands as if that had never
happened. FIELDBOOK_FLEET sets the number of laptops, FIELDBOOK_FIGURES=1 prints them."""
import os
import time
import unittest

from fieldbook import World, run, strangers

FLEET = int(os.environ.get("FIELDBOOK_FLEET", "3"))
ROUNDS = 3
COMPANY = "INSERT INTO company (name, kind, status, owner_id) SELECT ?, 'prospect', 'active', id FROM employee WHERE user_name = ?"


def work(laptops, phase):
    """Each laptop makes companies of its own and edits one that all share, a field each."""
    for i, laptop in enumerate(laptops):
        laptop.sql(COMPANY, f"laptop {i} phase {phase}", f"rep{i}")
        laptop.sql("UPDATE company SET website = ? WHERE name = ?", f"https://{i}.example/{phase}", f"laptop {i} phase 0")
        laptop.sql("UPDATE company SET description = ? WHERE name = ?", f"written by {i} in {phase}", f"laptop {(i + 1) % len(laptops)} phase 0")


def everybody(laptops):
    for laptop in laptops:
        laptop.sync()


def story(with_restore):
    """What stands at headquarters in the end, and figures."""
    with World() as world:
        hq = world.hq
        laptops = [world.laptop(f"rep{i}") for i in range(FLEET)]
        everybody(laptops)
        work(laptops, 0)
        everybody(laptops)
        everybody(laptops)
        path, figures = world.folder / "hour-ago.backup", {}
        started = time.monotonic()
        hq.command("backup", path)
        figures["backup_s"] = time.monotonic() - started
        for phase in range(1, ROUNDS):
            work(laptops, phase)
            everybody(laptops[::2] if phase == ROUNDS - 1 else laptops)
        if with_restore:
            hq.stop()
            started = time.monotonic()
            run("fieldbook-server", "restore", path, "--data", hq.data)
            figures["restore_s"] = time.monotonic() - started
            hq.start()
        work(laptops, ROUNDS)
        started = time.monotonic()
        everybody(laptops)
        figures["first_round_s"] = (time.monotonic() - started) / len(laptops)
        everybody(laptops)
        everybody(laptops)
        stands = hq.rows("SELECT name, website, description FROM company ORDER BY name")
        conflicts = hq.rows("SELECT count(*) FROM conflict")[0][0]
        wrong = [d for laptop in laptops for d in strangers(hq, laptop)]
        hq.command("verify")
        return stands, conflicts, wrong, figures


class Fleet(unittest.TestCase):
    def test_the_result_equals_a_run_without_the_restore(self):
        plain, _, wrong, before = story(False)
        self.assertEqual(wrong, [])
        restored, conflicts, wrong, figures = story(True)
        self.assertEqual(wrong, [], "every laptop equals headquarters")
        self.assertEqual(restored, plain)
        if os.environ.get("FIELDBOOK_FIGURES"):
            print(f"{FLEET} laptops: backup {figures['backup_s']:.2f} s, restore {figures['restore_s']:.2f} s, a laptop's first round afterwards"
                  f" {figures['first_round_s']:.2f} s (without a restore {before['first_round_s']:.2f} s), conflicts {conflicts}")


if __name__ == "__main__":
    unittest.main(verbosity=1)
