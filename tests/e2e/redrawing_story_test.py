#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Redrawing the territories (journey J13): 无锡 goes from East to a new territory while Ana, offline, works on one of its companies. Real programs;
Ben, who gets it, is connected all the time and is watched by a stranger who reads his database without pause."""
import json
import sqlite3
import threading
import unittest

from fieldbook import World, until

PLAN = [
    {"code": "E", "rules": [{"priority": 10, "filter": [["city", "=", "苏州"]]}], "accounts": ["无锡钢管"]},
    {"code": "NJ", "name": "North Jiangsu", "members": ["ben"], "rules": [{"priority": 10, "filter": [["city", "in", ["无锡", "常州"]]]}]}]


class Watcher(threading.Thread):
    """Counts, between any two commits, the cases whose company is not there."""

    def __init__(self, node):
        super().__init__(daemon=True)  # a story that fails does not wait for it
        self.path, self.orphans, self.looks, self.is_over = node.data / "fieldbook.db", 0, 0, False

    def run(self):
        db = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=20)
        while not self.is_over:
            [(orphans,)] = db.execute("SELECT count(*) FROM \"case\" WHERE company_id NOT IN (SELECT id FROM company)").fetchall()
            self.orphans, self.looks = self.orphans + orphans, self.looks + 1
        db.close()


class RedrawingTheTerritories(unittest.TestCase):
    def prepare(self, w):
        """East is Ana's: four companies, each with a case, an open deal and one that was won."""
        ana, ben = (w.laptop(name, role="rep") for name in ("ana", "ben"))
        [(boss,)] = w.hq.rows("SELECT employee_id FROM fb_user WHERE login = 'admin'")
        w.hq.sql("INSERT INTO pipeline (id, name) VALUES ('01890000-0000-7000-8000-00000000aaaa', 'Sales');"
                 "INSERT INTO stage (pipeline_id, name_en, name_zh, probability) VALUES ('01890000-0000-7000-8000-00000000aaaa', 'Offer', '报价', 50);")
        for name, city in (("无锡阀门", "无锡"), ("无锡钢管", "无锡"), ("苏州精密", "苏州"), ("常州轴承", "常州")):
            w.hq.sql("INSERT INTO company (name, owner_id) VALUES (?, ?)", name, boss)
            w.hq.sql("INSERT INTO address (owner_entity, owner_id, kind, city) SELECT 'company', id, 'visit', ? FROM company WHERE name = ?", city, name)
            w.hq.sql("INSERT INTO \"case\" (subject, company_id, symptom, owner_id, opened_at) SELECT 'It leaks', id, 'water', owner_id, 0 FROM company"
                     " WHERE name = ?", name)
        w.hq.territory("apply", {"code": "E", "name": "East", "members": ["ana"],
                                 "rules": [{"priority": 10, "filter": [["city", "in", ["无锡", "苏州", "常州"]]]}]})
        for outcome in ("open", "won"):
            w.hq.sql("INSERT INTO opportunity (name, company_id, pipeline_id, stage_id, outcome, amount, close_on, owner_id, territory_id)"
                     " SELECT c.name || ?, c.id, s.pipeline_id, s.id, ?, 100000, '2026-12-31', c.owner_id, t.id"
                     " FROM company c, stage s, territory t WHERE t.code = 'E' AND s.name_en = 'Offer'", outcome, outcome)
        for laptop in (ana, ben):
            self.assertEqual(laptop.sync()["digest"], "equal")
        self.assertEqual(ana.rows("SELECT count(*) FROM company"), [(4,)])
        self.assertEqual(ben.rows("SELECT count(*) FROM company"), [(0,)])
        return ana, ben

    def by_territory(self, w, outcome):
        return dict(w.hq.rows("SELECT t.code, sum(o.amount) FROM opportunity o JOIN territory t ON t.id = o.territory_id"
                              " WHERE o.outcome = ? GROUP BY 1", outcome))

    def test_the_story(self):
        with World() as w:
            ana, ben = self.prepare(w)
            ben.start()
            until(lambda: "event=connected" in ben.log.read_text(), "Ben is connected")
            # Ana is away, with edits of a company that will go and notes of her own about it.
            ana.sql("UPDATE company SET website = 'valves.example' WHERE name = '无锡阀门'")
            ana.sql("INSERT INTO note (entity, record_id, body, private, by_id) SELECT 'company', c.id, 'He bluffs', 1, e.id"
                    " FROM company c, employee e WHERE c.name = '无锡阀门' AND e.user_name = 'ana'")
            ana.sql("INSERT INTO activity (kind, subject, company_id, owner_id, private) SELECT 'task', 'Think about 无锡阀门', c.id, e.id, 1"
                    " FROM company c, employee e WHERE c.name = '无锡阀门' AND e.user_name = 'ana'")

            # 1. The draft says what would happen, and changes nothing.
            draft = w.hq.territory("rehearse", *PLAN)
            self.assertEqual(sorted((m["name"], m["from"], m["to"]) for m in draft["moves"]),
                             sorted([("常州轴承", "E", "NJ"), ("无锡阀门", "E", "NJ")]))
            self.assertEqual(draft["deals"], 2)
            told = {e["device"]: e for e in draft["effects"]}
            self.assertEqual((told["ana"]["leaves"]["companies"], told["ben"]["arrives"]["companies"]), (2, 2))
            self.assertGreater(told["ben"]["arrives"]["bytes"], 0)
            self.assertEqual((draft["overlaps"], draft["gaps"]), ([], []))
            twice = json.loads(json.dumps(PLAN))
            twice[0]["rules"][0]["filter"] = [["city", "in", ["苏州", "常州"]]]
            self.assertEqual([o["name"] for o in w.hq.territory("rehearse", *twice)["overlaps"]], ["常州轴承"])
            self.assertEqual(w.hq.rows("SELECT count(*) FROM territory WHERE code = 'NJ'"), [(0,)])

            # 2. and 4. It is done: Ben has them in one cut, whole at every moment.
            watcher = Watcher(ben)
            watcher.start()
            w.hq.territory("apply", *PLAN)
            until(lambda: ben.rows("SELECT name FROM company ORDER BY name") == [("常州轴承",), ("无锡阀门",)], "the companies reach Ben")
            self.assertEqual(ben.rows("SELECT count(*) FROM \"case\""), [(2,)])
            [(valves,)] = w.hq.rows("SELECT id FROM company WHERE name = '无锡阀门'")
            history = [json.loads(line) for line in w.hq.command("territory", "list", "--history", valves, "--json").splitlines()]
            self.assertEqual([(h["what"], h["territory"]) for h in history], [("entered", "E"), ("left", "E"), ("entered", "NJ")])

            # 3. Ana comes back: her edit is merged, the rows leave her; what is hers alone stays and names the company.
            self.assertEqual(ana.sync()["digest"], "equal")
            until(lambda: ben.rows("SELECT website FROM company WHERE name = '无锡阀门'") == [("valves.example",)], "Ben sees what Ana wrote")
            watcher.is_over = True
            watcher.join()
            self.assertGreater(watcher.looks, 10)
            self.assertEqual(watcher.orphans, 0)
            self.assertEqual(ana.rows("SELECT name FROM company ORDER BY name"), [("无锡钢管",), ("苏州精密",)])
            self.assertEqual(ana.rows("SELECT body FROM note"), [("He bluffs",)])
            self.assertEqual(ana.rows("SELECT a.subject, r.title FROM activity a JOIN reference r ON r.id = a.company_id"),
                             [("Think about 无锡阀门", "无锡阀门")])
            self.assertEqual(ben.rows("SELECT (SELECT count(*) FROM note), (SELECT count(*) FROM activity)"), [(0, 0)])

            # 5. Open deals follow, what was won stays where it was earned; by either structure the sum is the same.
            self.assertEqual(self.by_territory(w, "open"), {"E": 200000, "NJ": 200000})
            self.assertEqual(self.by_territory(w, "won"), {"E": 400000})
            by_now = dict(w.hq.rows("SELECT t.code, sum(o.amount) FROM opportunity o JOIN company_territory ct ON ct.company_id = o.company_id"
                                    " JOIN territory t ON t.id = ct.territory_id WHERE o.outcome = 'won' GROUP BY 1"))
            self.assertEqual((by_now, sum(by_now.values())), ({"E": 200000, "NJ": 200000}, 400000))


if __name__ == "__main__":
    unittest.main(verbosity=1)
