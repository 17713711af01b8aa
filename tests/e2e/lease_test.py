#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A laptop that headquarters has not heard of for two weeks locks; headquarters, or a code read over the telephone, unlocks it."""
import json
import time
import unittest
import urllib.error
import urllib.request

from fieldbook import World, run, until

REFUSED = 5
DAY_MS = 86400 * 1000


def days_pass_in(path, days):
    """As if the laptop had been away: its lease began that much earlier. (The clock of this machine stays.)"""
    lease = dict(line.split(" ", 1) for line in path.read_text().splitlines())
    for name in ("until_ms", "clock_ms"):
        lease[name] = str(int(lease[name]) - days * DAY_MS)
    path.write_text("".join(f"{k} {v}\n" for k, v in lease.items()))


def days_pass(laptop, days):
    days_pass_in(laptop.data / "lease", days)


class Pages:
    """The pages of a laptop as a browser asks for them."""

    def __init__(self, laptop):
        url = laptop.command("open", "--print").strip()
        self.base = url.split("/open")[0]
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(), NoRedirect())
        try:
            opener.open(url)
        except urllib.error.HTTPError as redirect:
            self.cookie = redirect.headers["Set-Cookie"].split(";")[0]

    def ask(self, path, body=None, token=None):
        request = urllib.request.Request(self.base + path, headers={"Cookie": self.cookie})
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
            request.add_header("X-Fieldbook", token)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as problem:
            return problem.code, json.loads(problem.read() or b"{}")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


class LeaseTest(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.world.__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)
        self.hq = self.world.hq
        self.laptop = self.world.laptop("wu")
        self.laptop.sync()

    def code(self):
        return self.hq.command("device", "unlock", "wu").strip()

    def refused(self, *words):
        done = self.laptop.command(*words, check=False)
        self.assertEqual(done.returncode, REFUSED, done.stderr + done.stdout)
        return done.stderr

    def test_it_warns_then_locks_every_command_and_headquarters_unlocks_it(self):
        self.assertEqual(self.laptop.status()["lease"]["days"], 14)
        self.assertNotIn("Please sync", self.laptop.command("conflict", "list", check=False).stderr)
        days_pass(self.laptop, 9)
        self.assertEqual(self.laptop.status()["lease"]["days"], 5)
        self.assertIn("days left: 5", self.laptop.command("conflict", "list", check=False).stderr)
        days_pass(self.laptop, 5)
        for words in (["conflict", "list"], ["outbox"], ["doctor"], ["find", "wu"], ["held", "list"], ["receipts"], ["changes"]):
            self.assertIn("locked", self.refused(*words))
        self.assertIn("fieldbook-replica unlock", self.refused("outbox"))
        self.assertEqual(self.laptop.status()["locked"], True)
        self.assertTrue((self.laptop.data / "fieldbook.db").exists())
        self.laptop.sync()
        self.assertEqual(self.laptop.status()["lease"]["days"], 14)
        self.laptop.command("outbox")

    def test_a_code_read_over_the_telephone_unlocks_it_without_a_network(self):
        self.hq.stop()
        days_pass(self.laptop, 15)
        for wrong in ("AAAA-AAAA-AAAA", ""):
            self.assertIn("ask headquarters", self.refused("unlock", wrong))
        code = self.code()
        self.laptop.command("unlock", code.lower().replace("-", " "))
        self.assertEqual(self.laptop.status()["lease"]["days"], 7)
        self.laptop.command("outbox")
        days_pass(self.laptop, 8)
        self.refused("outbox")
        self.assertIn("not the code", self.refused("unlock", code))

    def test_five_wrong_codes_and_the_right_one_waits(self):
        days_pass(self.laptop, 15)
        for _ in range(5):
            self.refused("unlock", "AAAA-AAAA-AAAA")
        self.assertIn("minutes", self.refused("unlock", self.code()))

    def test_deleting_the_lease_does_not_lengthen_it(self):
        (self.laptop.data / "lease").unlink()
        self.assertEqual(self.laptop.status()["lease"]["days"], 14)
        self.laptop.sync()

    def test_the_pages_of_a_running_laptop_lock_and_unlock(self):
        self.hq.stop()
        self.laptop.start("--web", "localhost:0")
        until(lambda: (self.laptop.data / "web-address").exists(), "the pages are served")
        pages = Pages(self.laptop)
        status, session = pages.ask("/api/v1/session")
        self.assertEqual(status, 200)
        self.laptop.stop()
        days_pass(self.laptop, 15)
        self.laptop.start("--web", pages.base.split("//")[1])
        until(lambda: (self.laptop.data / "web-address").exists(), "the pages are served")
        for path in ("/api/v1/session", "/api/v1/catalogue", "/api/v1/records/company", "/api/v1/events"):
            status, problem = pages.ask(path)
            self.assertEqual((status, problem.get("code")), (423, "locked"), path)
        self.assertEqual(pages.ask("/api/v1/sync")[1]["state"], "locked")
        token = session["csrf"]
        self.assertEqual(pages.ask("/api/v1/unlock", {"code": "AAAA-AAAA-AAAA"}, token)[0], 422)
        self.assertEqual(pages.ask("/api/v1/unlock", {"code": self.code()}, token)[0], 200)
        self.assertEqual(pages.ask("/api/v1/session")[0], 200)
        self.assertEqual(pages.ask("/api/v1/sync")[1]["lease"]["days"], 7)
        days_pass(self.laptop, 8)  # and a daemon that runs on notices
        self.hq.start()
        self.laptop.stop()

    def test_an_admin_chooses_how_long(self):
        self.hq.stop()
        (self.hq.data / "server.conf").write_text("[devices]\nlease = 1s\n")
        self.hq.start()
        self.laptop.sync()
        time.sleep(1.2)
        self.refused("outbox")
        self.hq.stop()
        (self.hq.data / "server.conf").write_text("[devices]\nlease = 0s\n")
        self.hq.start()
        self.laptop.sync()
        self.assertIsNone(self.laptop.status()["lease"])

    def test_no_code_is_given_for_a_device_that_is_out(self):
        self.hq.command("device", "revoke", "wu")
        done = self.hq.command("device", "unlock", "wu", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("revoked", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
