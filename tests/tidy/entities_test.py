#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The reference page of entities and fields is what the catalogue says, and names all of it."""
import json
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Entities(unittest.TestCase):
    def test_the_page_is_up_to_date(self):
        done = subprocess.run([ROOT / "scripts/entities", "--check"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_page_names_every_entity_and_field_with_both_labels(self):
        page = (ROOT / "docs/entities.md").read_text()
        for path in (ROOT / "common/catalogue/entities").glob("*.json"):
            entity = json.loads(path.read_text())
            if path.name == "modules.json":
                continue
            self.assertIn(f"### {entity['en']} {entity['zh']}: `{entity['name']}`", page)
            section = page.split(f": `{entity['name']}`\n", 1)[1].split("\n##", 1)[0]
            for field in entity["fields"]:
                self.assertIn(f"| `{field['name']}` | {field['en']} | {field['zh']} |", section, path.name)


if __name__ == "__main__":
    unittest.main(verbosity=1)
