#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rules of proto/README.md, on the text of proto/*.proto."""
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIELD = re.compile(r"^\s*(repeated\s+)?([A-Za-z0-9_.]+)\s+([a-z0-9_]+)\s*=\s*(\d+)\s*(\[[^\]]*\])?\s*;")
SCALARS = {"bool", "uint32", "int64", "uint64", "sint64", "fixed64", "bytes"}
NUMBER_MAX = 64  # FB_WIRE_FIELD_NUMBER_MAX
DEPTH_MAX = 8  # FB_WIRE_DEPTH_MAX


def messages():
    """{message: [(is_repeated, type, name, number, options)]} of all files."""
    found = {}
    for path in sorted((ROOT / "proto").glob("*.proto")):
        text = re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8"))
        for name, body in re.findall(r"message\s+(\w+)\s*\{([^}]*)\}", text):
            assert name not in found, f"{name} is declared twice"
            lines = [line for line in body.split("\n") if line.strip() and not line.strip().startswith("reserved")]
            fields = [FIELD.match(line) for line in lines]
            assert all(fields), f"{path.name}: {name} has a line that is no plain field"
            found[name] = [(bool(m[1]), m[2], m[3], int(m[4]), m[5] or "") for m in fields]
    return found


class Proto(unittest.TestCase):
    def setUp(self):
        self.messages = messages()
        self.assertGreater(len(self.messages), 20)

    def test_types_are_those_the_gate_knows(self):
        for name, fields in self.messages.items():
            for _, kind, field, _, _ in fields:
                self.assertTrue(kind in SCALARS or kind in self.messages, f"{name}.{field} is a {kind}")

    def test_numbers_are_small_and_used_once(self):
        for name, fields in self.messages.items():
            numbers = [number for _, _, _, number, _ in fields]
            self.assertEqual(len(numbers), len(set(numbers)), f"{name} uses a number twice")
            self.assertTrue(all(1 <= n <= NUMBER_MAX for n in numbers), f"{name} has a number over {NUMBER_MAX}")

    def test_repeated_numbers_are_packed(self):
        for name, fields in self.messages.items():
            for is_repeated, kind, field, _, options in fields:
                if is_repeated and kind in SCALARS - {"bytes"}:
                    self.assertIn("packed = true", options, f"{name}.{field}")

    def depth(self, name, above=()):
        self.assertNotIn(name, above, f"{name} contains itself: {above}")
        inner = [kind for _, kind, _, _, _ in self.messages[name] if kind in self.messages]
        return 1 + max((self.depth(kind, above + (name,)) for kind in inner), default=0)

    def test_no_message_contains_itself_or_is_deep(self):
        for name in self.messages:
            self.assertLessEqual(self.depth(name), DEPTH_MAX, name)


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
