#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A laptop's life at headquarters: approved by comparing a check, or by its code alone; codes work once."""
import hashlib
import json
import re
import subprocess
import threading
import time
import unittest

from fieldbook import BIN, Laptop, Node, World, run, until

REFUSED = 5


ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def wrong_code(code, guess):
    """A code that begins like this one, is typed without a mistake, and is another."""
    bits = 0
    for c in code.replace("-", ""):
        bits = bits << 5 | ALPHABET.index(c)
    data = bytearray((bits >> 4).to_bytes(32, "big"))
    data[10] ^= guess + 1
    bits = int.from_bytes(data, "big") << 4 | hashlib.sha256(data).digest()[0] & 15
    text = "".join(ALPHABET[bits >> 5 * (51 - i) & 31] for i in range(52))
    return "-".join(text[i:i + 4] for i in range(0, 52, 4))


class DevicesTest(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.world.__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)
        self.hq = self.world.hq

    def enrol(self, login):
        data = self.world.folder / login
        code = self.hq.invite(login)
        done = run("fieldbook-replica", "enrol", "--server", self.hq.address, "--code", code, "--data", data, "--no-wait", check=False)
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

    def ask_for_approval(self):
        self.hq.stop()
        (self.hq.data / "server.conf").write_text("[devices]\napprove = ask\n")
        self.hq.start()
        self.hq.add_user("wu", "Wu Fang")
        data = self.world.folder / "waiting"
        enrol = subprocess.Popen([str(BIN / "fieldbook-replica"), "enrol", "--server", self.hq.address, "--code",
                                  self.hq.invite("wu"), "--data", str(data)], stderr=subprocess.PIPE, text=True)
        self.addCleanup(enrol.stderr.close)
        self.addCleanup(enrol.kill)
        waiting = until(lambda: [d for d in self.devices() if d["state"] == "pending"], "the laptop asks for approval")[0]
        self.assertIn(waiting["check"], enrol.stderr.readline())
        self.assertIsNone(enrol.poll())
        return data, enrol, waiting

    def test_enrolment_waits_and_goes_on_when_it_is_approved(self):
        data, enrol, waiting = self.ask_for_approval()
        self.hq.command("device", "approve", waiting["id"])
        self.assertEqual(enrol.wait(20), 0)
        run("fieldbook-replica", "sync", "--data", data)

    def test_a_laptop_that_is_refused_ends_and_keeps_nothing(self):
        data, enrol, waiting = self.ask_for_approval()
        self.hq.command("device", "refuse", waiting["id"])
        self.assertEqual(enrol.wait(20), REFUSED)
        self.assertIn("refused this laptop", enrol.stderr.read())
        self.assertEqual([p.name for p in data.iterdir() if p.name not in ("lock",)], [])

    def test_a_daemon_that_waits_comes_in_within_seconds(self):
        self.hq.stop()
        (self.hq.data / "server.conf").write_text("[devices]\napprove = ask\n")
        self.hq.start()
        self.hq.add_user("wu", "Wu Fang")
        data, _, _ = self.enrol("wu")
        laptop = Laptop.__new__(Laptop)
        Node.__init__(laptop, data)
        self.world.nodes.append(laptop)
        laptop.start("--web", "localhost:0")
        until(lambda: "approval" in laptop.log.read_text(), "it waits")
        self.hq.command("device", "approve", self.devices()[0]["id"])
        until(lambda: laptop.rows("SELECT 1 FROM fb_meta WHERE key = 'cursor' AND value > 0"), "it syncs", 20)
        laptop.stop()

    def test_guessing_codes_is_slowed_down(self):
        self.hq.add_user("li", "Li Ming")
        words = ["--server", self.hq.address, "--data", self.world.folder / "guess"]
        for guess in range(5):
            done = run("fieldbook-replica", "enrol", "--code", wrong_code(self.hq.invite("li"), guess), *words, check=False)
            self.assertEqual(done.returncode, REFUSED, done.stderr)
            self.assertIn("never given", done.stderr)
        done = run("fieldbook-replica", "enrol", "--code", self.hq.invite("li"), *words, check=False)
        self.assertEqual(done.returncode, REFUSED, done.stderr)
        self.assertIn("too many wrong codes", done.stderr)
        time.sleep(1.2)
        run("fieldbook-replica", "enrol", "--code", self.hq.invite("li"), *words)

    def test_a_code_that_was_guessed_at_five_times_is_dead(self):
        self.hq.add_user("li", "Li Ming")
        code = self.hq.invite("li")
        for guess in range(5):
            run("fieldbook-replica", "enrol", "--server", self.hq.address, "--data", self.world.folder / "guess",
                "--code", wrong_code(code, guess), check=False)
        time.sleep(1.2)  # the address may try again; the code is dead
        done = run("fieldbook-replica", "enrol", "--server", self.hq.address, "--data", self.world.folder / "guess",
                   "--code", code, check=False)
        self.assertEqual(done.returncode, REFUSED, done.stderr)
        self.assertIn("tried too often", done.stderr)

    def test_a_person_has_several_laptops_and_is_suspended_with_all_of_them(self):
        self.hq.add_user("sun", "Sun Li", "admin")
        laptops = [self.world.laptop(name, "sun") for name in ("office", "car", "old")]
        for laptop in laptops:
            laptop.sync()
        self.assertEqual({(d["of"], d["state"]) for d in self.devices()}, {("sun", "active")})
        laptops[0].sql("INSERT INTO company (name, owner_id) SELECT 'Alpha', value FROM fb_meta WHERE key = 'employee_id'")
        laptops[0].sync()
        laptops[1].sync()
        self.assertEqual(laptops[1].rows("SELECT count(*) FROM company WHERE name = 'Alpha'"), [(1,)])
        self.hq.command("device", "suspend", "old")
        self.hq.command("user", "suspend", "sun")
        laptops[0].sql("UPDATE company SET name = 'Beta' WHERE name = 'Alpha'")
        for laptop in laptops:
            done = laptop.sync(check=False)
            self.assertEqual(done.returncode, REFUSED, done.stderr)
            self.assertIn("suspended", done.stderr)
        self.assertEqual(self.hq.command("invite", "--user", "sun", check=False).returncode, 1)
        listed = [json.loads(line) for line in self.hq.command("user", "list", "--json").splitlines()]
        self.assertEqual([u["state"] for u in listed if u["login"] == "sun"], ["suspended"])
        self.hq.command("user", "resume", "sun")
        laptops[0].sync()
        laptops[1].sync()
        self.assertEqual(laptops[1].rows("SELECT count(*) FROM company WHERE name = 'Beta'"), [(1,)])
        self.assertEqual(laptops[2].sync(check=False).returncode, REFUSED)

    def test_the_list_says_how_far_a_laptop_is(self):
        laptop = self.world.laptop("wu")
        laptop.sync()
        def wu():
            return self.devices()[0]
        until(lambda: wu()["behind"] == 0 and wu()["unsent"] == 0, "headquarters notes the contact")
        self.hq.sql("INSERT INTO company (name, owner_id) SELECT 'Alpha', id FROM employee LIMIT 1")
        until(lambda: wu()["behind"] >= 1, "headquarters seals")
        self.assertTrue(wu()["last_seen_at"] and wu()["program"])
        self.assertIn("behind", self.hq.command("device", "list"))

    def test_a_laptop_revoked_in_the_middle_of_a_push_is_out_within_a_second(self):
        laptop = self.world.laptop("wu")
        laptop.sync()
        laptop.start("--web", "localhost:0")
        until(lambda: "connected" in laptop.log.read_text(), "it is connected")
        stop = threading.Event()
        def write():
            for i in range(100000):
                if stop.is_set():
                    return
                laptop.sql("INSERT INTO company (name, owner_id) SELECT ?, value FROM fb_meta WHERE key = 'employee_id'", f"W {i}")
        writer = threading.Thread(target=write)
        writer.start()
        until(lambda: self.hq.rows("SELECT count(*) FROM company WHERE name LIKE 'W %'")[0][0] > 3, "pushes are coming")
        self.hq.command("device", "revoke", "wu")
        began = time.monotonic()
        until(lambda: "device_disconnected" in self.hq.log.read_text().split("session_ended")[-1] and
              "revoked" in self.hq.log.read_text(), "it is out", 5)
        self.assertLess(time.monotonic() - began, 1.5)
        count = self.hq.rows("SELECT count(*) FROM company WHERE name LIKE 'W %'")
        time.sleep(1.5)
        stop.set()
        writer.join()
        self.assertEqual(self.hq.rows("SELECT count(*) FROM company WHERE name LIKE 'W %'"), count)
        revoked = self.hq.rows("SELECT rev FROM fb_rev WHERE first_seq <= (SELECT max(seq) FROM fb_log WHERE entity = 590) "
                               "ORDER BY first_seq DESC LIMIT 1")[0][0]
        self.assertEqual(self.hq.rows("SELECT count(*) FROM fb_seen WHERE rev > ?", revoked), [(0,)])
        laptop.stop()

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
