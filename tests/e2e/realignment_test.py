#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An account goes from one rep to another and back while edits wait (journeys J6 and J13): what was edited while it was one's own is merged and
told to both; what is written after the loss was seen is held, and applied once it may be. Real programs, one laptop connected all the time."""
import json
import unittest

from fieldbook import World, until


class Realignment(unittest.TestCase):
    def apply(self, w, territory, word="apply"):
        return w.hq.territory(word, {"code": territory, "accounts": ["Acme"]})

    def prepare(self, w):
        """Ana has the east, Ben the south; Acme with its contact Li is Ana's."""
        ana, ben = (w.laptop(name, role="rep") for name in ("ana", "ben"))
        [(owner,)] = w.hq.rows("SELECT employee_id FROM fb_user WHERE login = 'admin'")
        w.hq.sql(f"""INSERT INTO company (name, owner_id) VALUES ('Acme', '{owner}');
                     INSERT INTO contact (company_id, family_name, owner_id) SELECT id, 'Li', owner_id FROM company WHERE name = 'Acme';""")
        w.hq.territory("apply", {"code": "E", "name": "East", "members": ["ana"], "accounts": ["Acme"]},
                       {"code": "S", "name": "South", "members": ["ben"]})
        self.assertEqual(ana.sync()["digest"], "equal")
        self.assertEqual(ben.sync()["digest"], "equal")
        self.assertEqual(ana.rows("SELECT family_name FROM contact"), [("Li",)])
        self.assertEqual(ben.rows("SELECT name FROM company"), [])
        return ana, ben

    def titles(self, node):
        return sorted(node.rows("SELECT family_name, job_title FROM contact"))

    def test_account_goes_and_comes_back_with_edits_waiting(self):
        with World() as w:
            ana, ben = self.prepare(w)
            ben.start()
            until(lambda: "event=connected" in ben.log.read_text(), "Ben is connected")

            # Ana works on Acme without a network; meanwhile it becomes Ben's.
            ana.sql("UPDATE contact SET job_title = 'Buyer'")
            ana.sql("INSERT INTO contact (company_id, family_name, owner_id) SELECT c.id, 'Wu', e.id FROM company c, employee e"
                    " WHERE c.name = 'Acme' AND e.user_name = 'ana'")
            told = {e["device"]: e for e in self.apply(w, "S", "rehearse")["effects"]}
            self.assertEqual(told["ana"]["leaves"]["companies"], 1)
            self.assertEqual(told["ben"]["arrives"], told["ana"]["leaves"])
            self.assertEqual(w.hq.rows("SELECT t.code FROM company_territory c JOIN territory t ON t.id = c.territory_id"), [("E",)])
            self.assertEqual([(m["from"], m["to"]) for m in self.apply(w, "S")["moves"]], [("E", "S")])
            until(lambda: self.titles(ben) == [("Li", None)], "Acme reaches Ben while he is connected")

            # Ana comes back: her edits are merged, the account leaves her; she gets a receipt, Ben a notice.
            self.assertEqual(ana.sync()["digest"], "equal")
            self.assertEqual(self.titles(w.hq), [("Li", "Buyer"), ("Wu", None)])
            self.assertEqual(ana.rows("SELECT count(*) FROM company"), [(0,)])
            self.assertEqual(self.titles(ana), [])
            self.assertEqual(ana.rows("SELECT entity, state FROM receipt"), [("contact", "merged")])
            until(lambda: self.titles(ben) == [("Li", "Buyer"), ("Wu", None)], "Ben sees what Ana had done")
            until(lambda: ben.rows("SELECT n.kind, n.entity, c.name FROM notification n JOIN company c ON c.id = n.record_id")
                  == [("sync", "company", "Acme")], "Ben is told")
            self.assertEqual(w.hq.rows("SELECT count(*) FROM held_change"), [(0,)])

            # What she writes for it now is held with its text, and nothing of it stands.
            [(acme,)] = w.hq.rows("SELECT id FROM company WHERE name = 'Acme'")
            ana.sql(f"INSERT INTO contact (company_id, family_name, owner_id) SELECT '{acme}', 'Late', id FROM employee WHERE user_name = 'ana'")
            self.assertEqual(ana.sync()["held"], 1)
            self.assertEqual(self.titles(w.hq), [("Li", "Buyer"), ("Wu", None)])
            [held] = [json.loads(line) for line in w.hq.command("held", "list", "--json").splitlines()]
            [(changes,)] = w.hq.rows("SELECT changes FROM held_change")
            self.assertIn("Late", changes)

            # Ben edits and it goes back: Ana has it as it is now; the held edit is applied when somebody tries it again.
            ben.sql("UPDATE contact SET job_title = 'Head of purchasing' WHERE family_name = 'Li'")
            until(lambda: ("Li", "Head of purchasing") in self.titles(w.hq), "Ben's edit is at headquarters")
            self.assertEqual([(m["from"], m["to"]) for m in self.apply(w, "E")["moves"]], [("S", "E")])
            until(lambda: self.titles(ben) == [], "Acme leaves Ben while he is connected")
            self.assertEqual(ana.sync()["digest"], "equal")
            self.assertEqual(self.titles(ana), [("Li", "Head of purchasing"), ("Wu", None)])
            w.hq.command("held", "retry", held["id"])
            until(lambda: ("Late", None) in self.titles(w.hq), "the held edit stands")
            self.assertEqual(ana.sync()["digest"], "equal")
            self.assertEqual(self.titles(ana), [("Late", None), ("Li", "Head of purchasing"), ("Wu", None)])

            # Who had it when is kept, with dates.
            [company] = w.hq.rows("SELECT id FROM company")
            history = [json.loads(line) for line in w.hq.command("territory", "list", "--history", company[0], "--json").splitlines()]
            self.assertEqual([(h["what"], h["territory"]) for h in history],
                             [("entered", "E"), ("left", "E"), ("entered", "S"), ("left", "S"), ("entered", "E")])
            self.assertEqual(sorted(h["at"] for h in history), [h["at"] for h in history])


if __name__ == "__main__":
    unittest.main(verbosity=1)
