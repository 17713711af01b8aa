#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""People read the programs in their language; programs read them in one."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from fieldbook import World, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
# None of these asks for a locale of the system to be installed.
CHINESE = [{"LC_ALL": "zh_CN.UTF-8"}, {"LC_ALL": "", "LC_MESSAGES": "", "LANG": "zh_CN.UTF-8"}, {"LC_ALL": "C.UTF-8", "LANGUAGE": "zh_CN"}]
ENGLISH = [{"LC_ALL": "C"}, {"LC_ALL": "C.UTF-8"}, {"LC_ALL": "en_GB.UTF-8"}, {"LC_ALL": "xx_YY.UTF-8"}, {"LC_ALL": "C", "LANGUAGE": "zh_CN"}]
HAN = re.compile("[\u4e00-\u9fff]")


def messages(path):
    """{msgid: msgstr} of a .po or .pot, as written there."""
    found = {}
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        texts = {key: "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', part))
                 for key, part in re.findall(r'^(msgid|msgstr) ((?:"(?:[^"\\]|\\.)*"\n?)+)', block, re.M)}
        if texts.get("msgid"):
            found[texts["msgid"]] = texts["msgstr"]
    return found


class Language(unittest.TestCase):
    def setUp(self):
        self.clean = {name: "" for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")}

    def talk(self, environment, *words):
        done = run(*words, check=False, env={**self.clean, **environment})
        return done.stdout + done.stderr

    def test_help_and_a_mistyped_command_speak_the_language_of_the_environment(self):
        for environment in CHINESE:
            with self.subTest(environment):
                text = self.talk(environment, "fieldbook-replica", "--help")
                self.assertIn("用法：fieldbook-replica 命令", text)
                self.assertIn("同步到最新后结束", text)
                self.assertIn("没有命令 confict；是不是“fieldbook-server conflict list”？",
                              self.talk(environment, "fieldbook-server", "confict", "list"))
        for environment in ENGLISH:
            with self.subTest(environment):
                self.assertIn("sync until in step, then end", self.talk(environment, "fieldbook-replica", "--help"))
                self.assertIn("did you mean", self.talk(environment, "fieldbook-server", "confict", "list"))

    def test_every_line_of_help_is_in_chinese(self):
        for program in ("fieldbook-server", "fieldbook-replica"):
            lines = self.talk(CHINESE[0], program, "--help").splitlines()
            commands = [line for line in lines if line.startswith("  ")]
            self.assertGreater(len(commands), 10)
            for line in commands:
                self.assertRegex(line, HAN)
                words = re.match(r"  ([a-z]+(?: [a-z]+)?)", line).group(1).split()
                for option in self.talk(CHINESE[0], program, *words, "--help").splitlines():
                    if option.startswith("  --") and "--role" not in option:
                        self.assertRegex(option, HAN, f"{program} {words}")

    def test_a_laptop_s_whole_story_in_chinese(self):
        zh = {**self.clean, **CHINESE[0]}
        with World() as w:
            w.hq.add_user("ming", "李明")
            enrol = ["fieldbook-replica", "enrol", "--data", str(w.folder / "ming"), "--server", w.hq.address, "--code"]
            wrong = run(*enrol, "AAAA-BBBB", check=False, env=zh)
            self.assertEqual(wrong.returncode, 1)
            self.assertIn("登记码不完整", wrong.stderr)
            used = w.hq.invite("ming")
            run(*enrol, used, env=zh)
            again = run("fieldbook-replica", "enrol", "--data", str(w.folder / "again"), "--server", w.hq.address, "--code", used, check=False, env=zh)
            self.assertIn("这个登记码已用过", again.stderr)  # headquarters says it in English, the laptop translates
            laptop = ["--data", str(w.folder / "ming")]
            self.assertRegex(run("fieldbook-replica", "sync", *laptop, env=zh), "^同步完成，修订号 \\d+：已上传 0 项，已下载 \\d+ 条，移除 0 条。\n$")
            self.assertRegex(run("fieldbook-replica", "sync", *laptop, env={**self.clean, "LC_ALL": "C"}), "^In step at revision \\d+: sent 0, ")
            status = run("fieldbook-replica", "status", *laptop, env=zh)
            self.assertRegex(status, "待上传 +0\n")
            self.assertRegex(status, "后台程序 +已停止")
            self.assertIn("没有等待裁定的修改冲突", run("fieldbook-replica", "conflict", "list", *laptop, check=False, env=zh).stderr)
            w.hq.command("device", "suspend", w.hq.rows("SELECT id FROM device")[0][0])
            refused = run("fieldbook-replica", "sync", *laptop, check=False, env=zh)
            self.assertEqual(refused.returncode, 5)
            self.assertIn("这台电脑已暂停使用", refused.stderr)
            self.assertRegex(run("fieldbook-replica", "status", *laptop, env=zh), "后台程序 +已停止，自 .* 起: 这台电脑已暂停使用")

    def test_what_programs_read_is_the_same_in_every_language(self):
        with World(start=False) as w:
            for words in (["status"], ["user", "list"], ["device", "list"], ["conflict", "list", "--all"], ["held", "list", "--all"]):
                texts = {w.hq.command(*words, "--json", env={**self.clean, **e}) for e in (CHINESE[0], ENGLISH[0])}
                self.assertEqual(len(texts), 1, words)
            failed = w.hq.command("conflict", "show", "00000000", "--json", check=False, env={**self.clean, **CHINESE[0]})
            self.assertEqual(json.loads(failed.stderr)["error"], "NOT_FOUND")

    @unittest.skipIf(shutil.which("xgettext") is None, "xgettext is not installed")
    def test_every_sentence_has_a_translation(self):
        with tempfile.TemporaryDirectory() as folder:
            pot = pathlib.Path(folder) / "fieldbook.pot"
            subprocess.run([ROOT / "scripts" / "translations", pot], check=True)
            wanted = messages(pot)
        self.assertGreater(len(wanted), 300)
        chinese = messages(ROOT / "share" / "locale" / "zh_CN.po")
        missing = sorted(text for text in wanted if not chinese.get(text))
        self.assertEqual(missing, [], "run scripts/translations and fill in share/locale/zh_CN.po")

    def test_chinese_texts_keep_to_the_rules_of_their_style(self):
        for english, text in messages(ROOT / "share" / "locale" / "zh_CN.po").items():
            for word in ("您", "其它", "登陆", "抱歉", "！", "注册码", "副本端"):
                self.assertNotIn(word, text, english)


if __name__ == "__main__":
    unittest.main(verbosity=1)
