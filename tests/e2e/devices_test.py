#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A laptop's life at headquarters: approved by comparing a check, or by its code alone; codes work once."""
import json
import re
import unittest

from fieldbook import World, run

REFUSED = 5


class DevicesTest(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.world.__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)
        self.hq = self.world.hq

    def enrol(self, login):
        data = self.world.folder / login
        code = self.hq.invite(login)
        done = run("fieldbook-replica", "enrol", "--server", self.hq.address, "--code", code, "--data", data, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return data, code, done

    def devices(self):
        return [json.loads(line) for line in self.hq.command("device", "list", "--json").splitlines()]

    def test_a_laptop_waits_until_an_admin_compared_its_check(self):
        self.hq.stop()
        (self.hq.data / "server.conf").write_text("[devices]\napprove = ask\n")
        self.hq.start()
        self.hq.add_user("wu", "Wu Fang")
        data, _, done = self.enrol("wu")
        check = re.search(r"[0-9a-f]{4}(-[0-9a-f]{4}){3}", done.stderr + done.stdout).group(0)
        device = self.devices()[0]
        self.assertEqual((device["state"], device["check"]), ("pending", check))
        refused = run("fieldbook-replica", "sync", "--data", data, check=False)
        self.assertEqual(refused.returncode, REFUSED, refused.stderr)
        self.assertIn("approval", refused.stderr)
        self.hq.command("device", "approve", device["id"])
        run("fieldbook-replica", "sync", "--data", data)
        again = self.hq.command("device", "approve", device["id"], check=False)
        self.assertEqual(again.returncode, 1)
        self.assertIn("does not wait", again.stderr)

    def test_a_code_works_once_and_lets_a_laptop_in_without_asking(self):
        self.hq.add_user("li", "Li Ming")
        data, code, _ = self.enrol("li")
        run("fieldbook-replica", "sync", "--data", data)
        self.assertEqual(self.devices()[0]["state"], "active")
        second = run("fieldbook-replica", "enrol", "--server", self.hq.address, "--code", code, "--data",
                     self.world.folder / "second", check=False)
        self.assertEqual(second.returncode, REFUSED, second.stderr)
        self.assertEqual(len(self.devices()), 1)

    def test_a_person_with_other_roles_writes_and_sees_by_them(self):
        self.hq.add_user("sun", "Sun Li", "admin")
        data, _, _ = self.enrol("sun")
        run("fieldbook-replica", "sync", "--data", data)
        self.hq.command("user", "role", "sun", "--role", "reader", "--role", "support")
        listed = [json.loads(line) for line in self.hq.command("user", "list", "--json").splitlines()]
        self.assertEqual({r for u in listed if u["login"] == "sun" for r in u["roles"].split(", ")}, {"reader", "support"})
        wrong = self.hq.command("user", "role", "sun", "--role", "emperor", check=False)
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("no role emperor", wrong.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
