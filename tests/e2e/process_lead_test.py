#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Processing a lead on laptops (journey J2, steps 4 to 6): killed in the middle nothing is half done; two laptops process one."""
import http.client
import random
import threading
import time
import unittest
import uuid
from urllib.parse import urlsplit

from browser import Browser
from fieldbook import World, differences, until

ALL_NEW = {"company": {"row": {}}, "contact": {"row": {}}, "opportunity": {"row": {}}}
KILLS = 6
LEADS_A_KILL = 12


def pages_of(laptop):
    """Starts the laptop with its pages; a browser that was let in."""
    (laptop.data / "web-address").unlink(missing_ok=True)
    laptop.start("--web", "localhost:0")
    until(lambda: (laptop.data / "web-address").exists(), "the pages are there")
    url = urlsplit(until(lambda: laptop.command("open", "--print", check=False).stdout.strip(), "an address to open"))
    b = Browser(url.port)
    b.ask("GET", url.path + "?" + url.query)
    status, _, session = b.ask("GET", "/api/v1/session")
    assert status == 200, session
    b.csrf = session["csrf"]
    return b


class ProcessLead(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.hq = cls.world.hq
        cls.ming = cls.world.laptop("ming", person="李明")
        cls.fang = cls.world.laptop("fang", person="王芳")
        cls.hq.sql("INSERT INTO territory (code, name) VALUES ('HD', '华东');"
                   "INSERT INTO territory_member (territory_id, employee_id, part)"
                   " SELECT t.id, e.id, 'owner' FROM territory t, employee e WHERE e.user_name IN ('ming', 'fang')")

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def tearDown(self):
        self.ming.stop()
        self.fang.stop()

    def leads(self, count):
        """New ones for 李明, on both laptops; their ids."""
        mark = uuid.uuid4().hex
        self.hq.sql("INSERT INTO lead (subject, company_name, family_name, source, received_at, timeframe, owner_id, territory_id)"
                    f" WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
                    f" SELECT '{mark} ' || i, 'Company {mark} ' || i, 'Person', 'web', '2026-11-20T02:00:00.000Z', 'month', e.id, t.id"
                    " FROM n, employee e, territory t WHERE e.user_name = 'ming'")
        for laptop in (self.ming, self.fang):
            laptop.sync()
        return [i for (i,) in self.ming.rows(f"SELECT id FROM lead WHERE subject LIKE '{mark} %' ORDER BY subject")]

    def whole(self, node, lead):
        """Is the lead processed? Fails where it is neither that nor untouched."""
        status, processed, made = node.rows(
            "SELECT l.status, l.processed_at IS NOT NULL, (SELECT count(*) FROM company c JOIN contact p ON p.company_id = c.id"
            " JOIN opportunity o ON o.company_id = c.id AND o.contact_id = p.id AND o.lead_id = l.id"
            " WHERE c.id = l.company_id AND p.id = l.contact_id AND o.id = l.opportunity_id) FROM lead l WHERE l.id = ?", lead)[0]
        self.assertIn((status, processed, made), [("new", 0, 0), ("qualified", 1, 1)])
        return processed == 1

    def test_killed_in_the_middle_nothing_is_half_done(self):
        rng = random.Random(4)
        leads = self.leads(KILLS * LEADS_A_KILL)
        answered, done = set(), set()

        def process(browser, some):
            for lead in some:
                try:
                    status, _, body = browser.ask("POST", f"/api/v1/lead/{lead}/process", ALL_NEW, {"Idempotency-Key": lead})
                except (OSError, http.client.HTTPException):
                    return
                self.assertEqual(status, 200, body)
                answered.add(lead)

        for n in range(KILLS):
            browser = pages_of(self.ming)
            worker = threading.Thread(target=process, args=(browser, leads[n * LEADS_A_KILL:(n + 1) * LEADS_A_KILL]))
            worker.start()
            time.sleep(rng.uniform(0.005, 0.12))
            self.ming.kill()
            worker.join()
            done |= {lead for lead in leads if self.whole(self.ming, lead)}
        self.assertLessEqual(answered, done, "what was answered is there")
        count, = self.ming.rows("SELECT count(*) FROM opportunity WHERE lead_id IS NOT NULL")[0]
        self.assertEqual(count, len(done))
        # The call whose answer got lost is asked again with its key: nothing comes twice.
        browser = pages_of(self.ming)
        for lead in leads:
            status, _, body = browser.ask("POST", f"/api/v1/lead/{lead}/process", ALL_NEW, {"Idempotency-Key": lead})
            self.assertEqual(status, 200, body)
        self.ming.stop()
        self.ming.sync()
        self.assertTrue(all(self.whole(self.hq, lead) for lead in leads))
        self.assertEqual(self.hq.rows("SELECT count(*) FROM opportunity WHERE lead_id IS NOT NULL"), [(len(leads),)])

    def test_of_two_laptops_the_first_keeps_the_lead_and_what_both_made_stays(self):
        lead, = self.leads(1)
        for laptop, name in ((self.fang, "王芳的公司"), (self.ming, "李明的公司")):
            browser = pages_of(laptop)
            self.hq.stop() if self.hq.process else None
            status, _, body = browser.ask("POST", f"/api/v1/lead/{lead}/process", {**ALL_NEW, "company": {"row": {"name": name}}})
            self.assertEqual(status, 200, body)
            laptop.stop()
        self.hq.start()
        self.fang.sync()
        self.ming.sync()
        self.fang.sync()
        self.assertEqual(self.hq.rows("SELECT c.name FROM lead l JOIN company c ON c.id = l.company_id WHERE l.id = ?", lead), [("王芳的公司",)])
        self.assertEqual(self.hq.rows("SELECT count(*) FROM opportunity WHERE lead_id = ?", lead), [(2,)])
        self.assertEqual(self.hq.rows("SELECT count(*) FROM held_change"), [(0,)])
        self.assertEqual({e for (e,) in self.hq.rows("SELECT entity FROM merge_job WHERE state = 'suspected'"
                                                     " AND keep_id IN (SELECT company_id FROM lead WHERE id = ?1 UNION SELECT contact_id FROM lead WHERE id = ?1"
                                                     " UNION SELECT opportunity_id FROM lead WHERE id = ?1)".replace("?1", "?"), lead, lead, lead)},
                         {"company", "contact", "opportunity"})
        self.assertIn("王芳 processed this lead first. Your “李明的公司” is kept too; the two can be merged.", self.ming.command("receipts"))
        self.assertEqual(differences(self.hq, self.ming), [])


if __name__ == "__main__":
    unittest.main()
