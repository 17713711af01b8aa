#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 of server and replica at random moments during a real sync: always resumes, always ends equal.

In the suite: a few rounds. By hand, the long run of 50 rounds with 50,000 rows: scripts/kill-nine.
"""
import argparse
import random
import sys
import time
import unittest

from fieldbook import World, differences

ROWS = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
        " INSERT INTO contact (family_name, given_name, job_title, department, owner_id)"
        " SELECT 'Family ' || i, 'Given ' || i, 'Title ' || (i % 100), hex(randomblob(20)), (SELECT id FROM employee WHERE user_name = 'ana') FROM n;")


def one_round(number, rows, rng, say):
    """Both sides hold rows the other lacks; whoever is alive is killed again and again until they get through."""
    with World(start=False) as w:
        w.hq.start()
        ana = w.laptop("ana")
        ana.sync()
        w.hq.sql(ROWS.format(rows=rows // 2))
        ana.sql(ROWS.format(rows=rows // 2))
        kills = 0
        pause = rng.uniform(0.05, 0.8)
        while True:
            ana.start()
            time.sleep(pause * rng.random())
            victims = rng.choice(("hq", "ana", "both"))
            if victims != "ana":
                w.hq.kill()
            if victims != "hq":
                ana.kill()
            kills += 1
            ana.kill()
            if w.hq.process is None:
                w.hq.start()
            pause *= 1.25  # so that even a slow machine gets through in the end
            if kills >= 12:
                break
        result = ana.sync()
        w.hq.stop()
        assert result["digest"] in ("equal", "repaired"), result
        assert w.hq.rows("SELECT count(*) FROM contact WHERE family_name LIKE 'Family %'")[0][0] == rows // 2 * 2
        different = differences(w.hq, ana)
        assert different == [], (len(different), different[:5], result)
        assert result["found"] == 0 and result["digest"] == "equal", result
        say(f"round {number}: {kills} kills, {rows} rows, equal at revision {result['rev']}")


class KillNine(unittest.TestCase):
    def test_killed_at_random_moments_everything_arrives_once(self):
        for number in range(2):
            one_round(number, 6000, random.Random(number), lambda text: None)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == "--rounds":
        parser = argparse.ArgumentParser()
        parser.add_argument("--rounds", type=int, default=50)
        parser.add_argument("--rows", type=int, default=50000)
        parser.add_argument("--seed", type=int, default=1)
        options = parser.parse_args()
        for n in range(options.rounds):
            one_round(n + options.seed, options.rows, random.Random(n + options.seed), lambda text: print(text, flush=True))
        print(f"{options.rounds} rounds: nothing lost, always equal")
    else:
        unittest.main(verbosity=1)
