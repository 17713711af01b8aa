#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/faults.md names for each fault of its groups a test that is there, or says why there is none."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GROUPS = {"A": 21, "B": 14, "C": 11, "D": 12, "E": 19, "F": 4, "G": 14}
WITHOUT = {"C9", "D9", "E18"}


class FaultsTest(unittest.TestCase):
    def rows(self):
        text = (ROOT / "docs/faults.md").read_text()
        return {m.group(1): m.group(0) for m in re.finditer(r"^\| ([A-I]\d+) \|.*$", text, re.M)}

    def test_every_fault_of_a_group_has_its_row(self):
        expected = {f"{group}{n}" for group, count in GROUPS.items() for n in range(1, count + 1)}
        self.assertEqual(set(self.rows()), expected)

    def test_every_test_that_is_named_is_there(self):
        planted = (ROOT / "common/base/planted.def").read_text()
        missing = []
        for no, row in self.rows().items():
            named = re.findall(r"`((?:unit|e2e|sim)[/:][^`]+)`", row)
            if not named and no not in WITHOUT:
                missing.append(f"{no}: no test")
            for name in named:
                if name.startswith("sim:"):
                    there = f"FB_PLANT({name[4:]}," in planted
                else:
                    path, _, test = name.partition(":")
                    file = ROOT / "tests" / path
                    there = file.exists() and re.search(rf"(FB_TEST\({test}\)|def {test}\()" if test else "", file.read_text())
                if not there:
                    missing.append(f"{no}: {name}")
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
