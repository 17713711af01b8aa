#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Encryption at rest: on a file system that encrypts folders, a laptop's files are unreadable to stock tools after its lease ended;
elsewhere enrolment says what is expected. Needs root and a loop device, for a file system of its own in a mount namespace of its own."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from fieldbook import Laptop, World, run
from lease_test import days_pass_in

REFUSED = 5
SECRET = b"Zanzibar-7741"
INSIDE = "FIELDBOOK_OWN_MOUNTS"


def why_not():
    if os.geteuid() != 0:
        return "needs root to mount a file system of its own"
    if not all(shutil.which(tool) for tool in ("mkfs.ext4", "losetup", "unshare", "mount")):
        return "needs mkfs.ext4, losetup, unshare and mount"
    if not pathlib.Path("/sys/fs/ext4/features/encryption").exists():
        return "this kernel's ext4 does not encrypt"
    return None


@unittest.skipIf(why_not(), why_not() or "")
class AtRestTest(unittest.TestCase):
    def setUp(self):
        self.image = tempfile.NamedTemporaryFile(suffix=".ext4")
        self.addCleanup(self.image.close)
        self.image.truncate(256 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-O", "encrypt", self.image.name], check=True)
        self.world = World()
        self.world.__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)
        self.mount = self.world.folder / "disk"
        self.mount.mkdir()
        subprocess.run(["mount", "-o", "loop", self.image.name, str(self.mount)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.mount)])
        self.world.hq.add_user("wu", "Wu Fang", "admin")
        self.laptop = Laptop.__new__(Laptop)
        super(Laptop, self.laptop).__init__(self.mount / "wu")
        self.world.nodes.append(self.laptop)
        self.laptop.hq = self.world.hq
        self.enrolled = self.laptop.command("enrol", "--server", self.world.hq.address, "--code",
                                            self.world.hq.invite("wu", "wu"), check=False)
        self.assertEqual(self.enrolled.returncode, 0, self.enrolled.stderr)
        self.laptop.sync()
        self.laptop.sql("INSERT INTO company (name, owner_id) SELECT ?, value FROM fb_meta WHERE key = 'employee_id'", SECRET.decode())
        self.laptop.sync()
        self.identity = self.mount / "wu.identity"

    def lease_ends(self):
        days_pass_in(self.identity / "lease", 15)
        done = self.laptop.command("outbox", check=False)
        self.assertEqual(done.returncode, REFUSED, done.stderr)
        self.assertIn("locked", done.stderr)

    def is_unreadable(self):
        names = [p.name for p in self.laptop.data.iterdir()]
        self.assertTrue(names)
        self.assertNotIn("fieldbook.db", names)
        for path in self.laptop.data.iterdir():
            with self.assertRaises(OSError):
                path.read_bytes()
        done = subprocess.run(["sqlite3", str(self.laptop.data / "fieldbook.db"), "SELECT name FROM company"], capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        for path in self.identity.iterdir():
            self.assertNotIn(SECRET, path.read_bytes())
        self.assertIn("secret " + "00" * 32, (self.identity / "lease").read_text())

    def test_it_is_said_at_enrolment(self):
        self.assertIn("encrypts its folder", self.enrolled.stderr)
        plain = run("fieldbook-replica", "enrol", "--server", self.world.hq.address, "--code", self.world.hq.invite("wu", "other"),
                    "--data", self.plain_folder(), check=False)
        self.assertEqual(plain.returncode, 0, plain.stderr)
        self.assertIn("not encrypted", plain.stderr)

    def plain_folder(self):
        image = tempfile.NamedTemporaryFile(suffix=".ext4")
        self.addCleanup(image.close)
        image.truncate(128 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-O", "^encrypt", image.name], check=True)
        mount = self.world.folder / "plain"
        mount.mkdir()
        subprocess.run(["mount", "-o", "loop", image.name, str(mount)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(mount)])
        return mount / "data"

    def test_after_the_lease_stock_tools_read_nothing_and_headquarters_opens_it_again(self):
        self.assertIn(SECRET.decode(), self.laptop.shell("SELECT name FROM company"))
        self.lease_ends()
        self.is_unreadable()
        self.laptop.sync()
        self.assertEqual(self.laptop.rows("SELECT count(*) FROM company WHERE name = ?", SECRET.decode()), [(1,)])
        self.assertEqual(self.laptop.status()["lease"]["days"], 14)

    def test_a_code_opens_it_without_a_network_and_a_wrong_one_does_not(self):
        self.lease_ends()
        code = self.world.hq.command("device", "unlock", "wu").strip()
        self.world.hq.stop()
        for wrong in ("AAAA-AAAA-AAAA", code[:-1] + ("0" if code[-1] != "0" else "1")):
            self.assertEqual(self.laptop.command("unlock", wrong, check=False).returncode, REFUSED)
        self.is_unreadable()
        self.laptop.command("unlock", code)
        self.laptop.command("outbox")
        self.assertEqual(self.laptop.rows("SELECT count(*) FROM company WHERE name = ?", SECRET.decode()), [(1,)])

    def test_a_computer_that_was_off_opens_its_folder_by_itself_while_the_lease_runs(self):
        subprocess.run(["umount", str(self.mount)], check=True)
        subprocess.run(["mount", "-o", "loop", self.image.name, str(self.mount)], check=True)
        self.assertNotIn("fieldbook.db", [p.name for p in self.laptop.data.iterdir()])
        self.laptop.command("outbox")
        self.assertEqual(self.laptop.rows("SELECT count(*) FROM company WHERE name = ?", SECRET.decode()), [(1,)])

    def test_a_revoked_laptop_stays_shut(self):
        self.world.hq.command("device", "revoke", "wu")
        self.lease_ends()
        done = self.laptop.command("sync", check=False)
        self.assertEqual(done.returncode, REFUSED)
        self.is_unreadable()


if __name__ == "__main__":
    if why_not() is None and INSIDE not in os.environ:
        os.environ[INSIDE] = "yes"
        os.execvp("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, *sys.argv])
    unittest.main(verbosity=1)
