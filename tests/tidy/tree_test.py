#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rules of the tree that a program can hold: arrows, homes of libraries, sizes, marks, form.

docs/architecture.md, "Arrows", says why. A rule that must bend is changed here, with a reason, in the same commit.
"""
import pathlib
import re
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# A folder may include from itself and from these.
ARROWS = {
    "common/base": set(),
    "common/cli": {"common/base"},
    "common/merge": {"common/base"},
    "common/catalogue": {"common/base", "common/merge"},
    "common/store": {"common/base", "common/merge", "common/catalogue"},
    "common/wire": {"common/base", "common/merge", "common/catalogue", "common/store"},
    "common/sync": {"common/base", "common/merge", "common/catalogue", "common/store", "common/wire"},
    "common/crm": {"common/base", "common/merge", "common/catalogue", "common/store"},
    "common/formats": {"common/base", "common/merge", "common/catalogue", "common/store"},
    "common/search": {"common/base", "common/merge", "common/catalogue", "common/store", "common/crm"},
    "common/command": {"common/base", "common/cli", "common/merge", "common/catalogue", "common/store", "common/crm",
                       "common/formats", "common/search"},
    "common/net": {"common/base"},
    # net: only common/web/serve.c, which carries bytes between streams and HTTP for both programs
    "common/web": {"common/base", "common/cli", "common/merge", "common/catalogue", "common/store", "common/wire",
                   "common/sync", "common/crm", "common/formats", "common/command", "common/net", "common/search"},
}
COMMON = set(ARROWS)
ARROWS["server"] = set(COMMON)
ARROWS["replica"] = set(COMMON)

# Each outside library has one home.
HOMES = {
    r"sqlite3\.h": {"common/store"},
    r"uv\.h": {"common/net"},
    r"openssl/(?!evp\.h|crypto\.h|sha\.h).*": {"common/net"},
    r"openssl/(evp|crypto|sha)\.h": {"common/net", "common/base"},
    r"protobuf-c/.*|.*\.pb-c\.h": {"common/wire"},
    r"zstd\.h": {"common/wire", "common/base"},  # messages, under their limits; files
    r"git2.*": {"common/merge"},
    r"xxhash\.h": {"common/base"},
    r"csv\.h|iconv\.h": {"common/formats"},
    r"unicode/.*": {"common/search"},
    r"ini\.h": {"common/cli"},
    r"argon2\.h": {"server"},
    r"llhttp\.h": {"common/web"},
}

LINES_PER_FILE = 800
LINES_PER_FUNCTION = 70
SOURCES = [p for top in ("common", "server", "replica") for p in sorted((ROOT / top).rglob("*.[ch]"))]
TESTS = [p for p in sorted((ROOT / "tests").rglob("*.[ch]"))]


def folder_of(path):
    parts = path.relative_to(ROOT).parts
    return "/".join(parts[:2]) if parts[0] == "common" else parts[0]


def functions_of(path):
    """(name, lines) of each function, by the braces in the first column that the formatter guarantees."""
    start, name = None, ""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            yield name, number - start - 1
            start = None
        elif re.match(r"^[A-Za-z_].*\(", line):
            name = line


class Tree(unittest.TestCase):
    def test_arrows_point_one_way(self):
        for path in SOURCES:
            here = folder_of(path)
            self.assertIn(here, ARROWS, f"{path}: no folder of the layout")
            for included in re.findall(r'^#include "([^"]+)"', path.read_text(), re.M):
                if included.endswith(".pb-c.h") or included.startswith("generated/"):
                    continue
                target = ROOT / included
                self.assertTrue("/" in included, f"{path}: includes are written from the root: {included}")
                there = folder_of(target)
                self.assertTrue(there == here or there in ARROWS[here],
                                f"{path.relative_to(ROOT)} includes {included}: {here} may not know {there}")

    def test_each_library_has_one_home(self):
        for path in SOURCES:
            for included in re.findall(r"^#include [<\"]([^>\"]+)[>\"]", path.read_text(), re.M):
                for pattern, homes in HOMES.items():
                    if re.fullmatch(pattern, included):
                        self.assertIn(folder_of(path), homes, f"{path.relative_to(ROOT)} includes {included}")

    def test_files_and_functions_fit_their_readers(self):
        for path in SOURCES + TESTS:
            count = len(path.read_text().splitlines())
            self.assertLessEqual(count, LINES_PER_FILE, f"{path.relative_to(ROOT)} has {count} lines")
        for path in SOURCES:
            for name, count in functions_of(path):
                self.assertLessEqual(count, LINES_PER_FUNCTION, f"{path.relative_to(ROOT)}: {name} has {count} lines")

    def test_files_name_their_licence(self):
        for path in SOURCES + TESTS:
            self.assertIn("SPDX-License-Identifier: MIT", path.read_text()[:200], str(path.relative_to(ROOT)))

    def test_nothing_unfinished_is_marked(self):
        marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|not (yet )?implemented")
        for path in SOURCES + TESTS:
            for number, line in enumerate(path.read_text().splitlines(), 1):
                self.assertIsNone(marks.search(line), f"{path.relative_to(ROOT)}:{number}: {line.strip()}")

    def test_banned_functions_stay_away(self):
        banned = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|system|popen|alloca)\s*\(")
        for path in SOURCES:
            for number, line in enumerate(path.read_text().splitlines(), 1):
                self.assertIsNone(banned.search(line), f"{path.relative_to(ROOT)}:{number}: {line.strip()}")

    def test_messages_do_not_nest_in_themselves(self):
        for path in (ROOT / "proto").glob("*.proto"):
            text = re.sub(r"//.*", "", path.read_text())
            uses = {}
            for name, body in re.findall(r"message (\w+) \{(.*?)\n\}", text, re.S):
                uses[name] = set(re.findall(r"^\s*(?:repeated |optional )?([A-Z]\w+)\s+\w+\s*=", body, re.M))

            def reaches(start, at, seen):
                return any(n == start or (n not in seen and n in uses and reaches(start, n, seen | {n}))
                           for n in uses.get(at, ()))
            for name in uses:
                self.assertFalse(reaches(name, name, {name}), f"{path.name}: {name} contains itself")
            self.assertNotRegex(text, r"\bstring\s+\w+\s*=", f"{path.name}: bytes instead of string, see proto/README.md")

    def test_what_the_readme_points_at_exists(self):
        for document in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
            for place in re.findall(r"`((?:common|server|replica|tests|docs|scripts|proto|share)/[\w./-]*)`", document.read_text()):
                self.assertTrue((ROOT / place).exists() or list(ROOT.glob(place + "*")),
                                f"{document.relative_to(ROOT)} names {place}")

    def test_the_formatter_has_nothing_to_say(self):
        tool = shutil.which("clang-format-14") or shutil.which("clang-format")
        if tool is None:
            self.skipTest("clang-format is not installed")
        done = subprocess.run([tool, "--dry-run", "-Werror", *map(str, SOURCES + TESTS)], capture_output=True, text=True)
        wrong = sorted(set(re.findall(r"^([^:\n]+):\d+:\d+: error", done.stderr, re.M)))
        self.assertEqual(wrong, [], "run scripts/format")


if __name__ == "__main__":
    unittest.main(verbosity=1)
