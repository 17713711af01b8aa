#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No write by a stock client escapes capture (design.md, section 4).

Real clients, the sqlite3 shell and Python's sqlite3 module, run statements against tables and triggers made from
the shipped catalogue, with recursive_triggers and foreign_keys on and off and with every conflict clause. The
promise is one for all of them: undoing the journal, last row first, leads from the table after the statement back
to the table before it, cell by cell. What a trigger missed, the undo cannot bring back.
"""
import itertools
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PRINT_SCHEMA = os.environ.get("PRINT_SCHEMA") or os.path.join(
    os.environ.get("FIELDBOOK_TEST_BIN", os.path.join(ROOT, "build/dev/tests")), "print_schema")

STAMPS = {"created_at", "created_by", "modified_at", "modified_by"}
TABLES = ["company", "contact", "sales_order", "order_line", "order_event", "till", "select", "slip"]


def uuid(n):
    return "01900000-0000-7000-8000-%012x" % n


def field(no, name, type_, **more):
    return dict(no=no, name=name, type=type_, en=name, zh=name, **more)


# What the shipped entities do not have yet: a sum, a blob, a column of the laptop, a keyword as a name, more fields
# than json_object takes arguments, a part of a part.
EXTRA = [
    dict(no=90001, name="till", en="Till", zh="T", scope={"rule": "global"}, title=["name"], fields=[
        field(8, "name", "text"),
        field(9, "cash", "money", required=True, default=0, merge="sum"),
        field(10, "photo", "blob"),
        field(11, "seen_here", "int", visible="device")]),
    dict(no=90002, name="select", en="Case", zh="C", scope={"rule": "global"}, title=["order"], fields=[
        field(8, "order", "text"),
        field(9, "group", "enum", choices=[dict(value="it's", en="a", zh="a"), dict(value="b", en="b", zh="b")])]
        + [field(10 + i, "f%d" % i, "text") for i in range(80)]),
    dict(no=90003, name="slip", en="Slip", zh="S", part_of={"entity": "order_line", "field": "order_line_id"},
         fields=[field(8, "order_line_id", "ref", target="order_line", required=True), field(9, "text", "text")]),
]


def make_template(folder):
    """The database every case starts from."""
    entities = os.path.join(folder, "entities")
    shutil.copytree(os.path.join(ROOT, "common/catalogue/entities"), entities)
    for extra in EXTRA:
        with open(os.path.join(entities, extra["name"] + ".json"), "w") as f:
            json.dump(extra, f)
    schema = subprocess.run([PRINT_SCHEMA, entities], check=True, capture_output=True, text=True).stdout
    path = os.path.join(folder, "template.db")
    db = sqlite3.connect(path)
    db.executescript(schema)
    db.execute("INSERT INTO fb_meta VALUES ('number_prefix', 'A7')")
    db.execute("INSERT INTO employee (id, code, user_name, family_name) VALUES (?, 'E1', 'wang', '王')", (uuid(1),))
    db.execute("INSERT INTO currency (id, code) VALUES (?, 'CNY')", (uuid(2),))
    for n in range(3):
        db.execute("INSERT INTO company (id, name, owner_id) VALUES (?, ?, ?)", (uuid(10 + n), "公司 %d" % n, uuid(1)))
        db.execute("INSERT INTO contact (id, family_name, company_id, owner_id, description) VALUES (?, ?, ?, ?, ?)",
                   (uuid(20 + n), "Li %d" % n, uuid(10 + n), uuid(1), 'a "quoted"\nline \\ 李' if n else None))
    for n in range(2):
        db.execute("INSERT INTO sales_order (id, company_id, ordered_on, currency_id, owner_id) VALUES (?,?,?,?,?)",
                   (uuid(30 + n), uuid(10), "2025-01-0%d" % (n + 1), uuid(2), uuid(1)))
        for k in range(2):
            line = uuid(40 + 10 * n + k)
            db.execute("INSERT INTO order_line (id, sales_order_id, position, name, unit, unit_price) "
                       "VALUES (?, ?, ?, 'pump', 'pc', 100)", (line, uuid(30 + n), k))
            db.execute("INSERT INTO slip (id, order_line_id, text) VALUES (?, ?, 's')", (uuid(140 + 10 * n + k), line))
    db.execute("INSERT INTO till (id, name, cash, photo, seen_here) VALUES (?, 'front', 5, x'00ff80', 7)", (uuid(60),))
    db.execute("INSERT INTO till (id, name) VALUES (?, 'back')", (uuid(61),))
    db.execute('INSERT INTO "select" (id, "order", "group", f0, f79) VALUES (?, ?, ?, ?, ?)',
               (uuid(70), "first", "it's", "x", "y"))
    db.execute("DELETE FROM fb_journal")
    db.commit()
    drop_what_no_case_needs(db)
    db.close()
    tables, fields = {}, {}
    for name in TABLES:
        with open(os.path.join(entities, name + ".json")) as f:
            entity = json.load(f)
        stored = [x for x in entity["fields"] if x["type"] != "calc" and x.get("visible") != "device"]
        tables[entity["no"]] = name
        fields[entity["no"]] = {x["no"]: x["name"] for x in stored}
    return path, tables, fields


def drop_what_no_case_needs(db):
    """Each of the many cases opens the file several times; reading hundreds of tables and triggers is most of that. Tables that
    those of the cases refer to stay: foreign keys ask for them."""
    names = db.execute("SELECT name, tbl_name FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name in (n for n, table in names if table not in TABLES):
        db.execute("DROP TRIGGER " + name)
    needed = set(TABLES)
    for table in TABLES:
        needed.update(row[2] for row in db.execute('PRAGMA foreign_key_list("%s")' % table))
    names = [n for n, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'fb%'")]
    for name in names:
        if name not in needed:
            db.execute('DROP TABLE "%s"' % name)
    db.commit()
    db.execute("VACUUM")


def read_database(path, tables, fields):
    """Every journalled cell as {(entity, id): {field: value}}, and the journal."""
    db = sqlite3.connect(path)
    state = {}
    for no, table in tables.items():
        names = list(fields[no].values())
        columns = ", ".join('"%s"' % n for n in names)
        for row_id, *cells in db.execute('SELECT id, %s FROM "%s"' % (columns, table)):
            state[(no, row_id)] = dict(zip(names, cells))
    journal = db.execute("SELECT op, entity, row_id, field, old, at_ms, step FROM fb_journal ORDER BY seq").fetchall()
    db.close()
    return state, journal


def from_image(text):
    image = json.loads(text)
    return {k: bytes.fromhex(v["$hex"]) if isinstance(v, dict) else v for k, v in image.items()}


def undo(state, journal, tables, fields):
    state = {key: dict(row) for key, row in state.items()}
    for op, entity, row_id, field_no, old, _, _ in reversed(journal):
        if entity not in tables:
            continue
        key = (entity, row_id)
        if op == 1:
            del state[key]
        elif op == 2:
            state[key][fields[entity][field_no]] = old
        else:
            state[key] = from_image(old)
    return state


class ShellClient:
    name = "shell"

    def run(self, path, pragmas, sql):
        script = "".join("PRAGMA %s;\n" % p for p in pragmas) + sql + ";\n"
        done = subprocess.run(["sqlite3", "-batch", path], input=script, capture_output=True, text=True)
        return done.stderr


class PythonClient:
    name = "python"

    def run(self, path, pragmas, sql):
        db = sqlite3.connect(path, isolation_level=None)
        try:
            for p in pragmas:
                db.execute("PRAGMA " + p)
            for statement in split(sql):
                db.execute(statement).fetchall()
        except sqlite3.Error as e:
            return str(e)
        finally:
            db.close()
        return ""


def split(script):
    statement = ""
    for piece in script.split(";"):
        statement += piece
        if sqlite3.complete_statement(statement + ";"):
            yield statement
            statement = ""
        else:
            statement += ";"


PRAGMAS = [["recursive_triggers=%d" % r, "foreign_keys=%d" % f] for r, f in itertools.product((0, 1), (0, 1))]
CLAUSES = ["", "OR REPLACE", "OR IGNORE", "OR ABORT", "OR FAIL", "OR ROLLBACK"]
NEW, OLD, OLD2 = uuid(100), uuid(20), uuid(21)
E = uuid(1)

# {c} is the conflict clause.
INSERTS = {
    "new row": f"INSERT {{c}} INTO contact (id, family_name, owner_id) VALUES ('{NEW}', 'new', '{E}')",
    "id by default": f"INSERT {{c}} INTO contact (family_name, owner_id) VALUES ('default', '{E}')",
    "existing id": f"INSERT {{c}} INTO contact (id, family_name, owner_id) VALUES ('{OLD}', 'again', '{E}')",
    "existing id, all equal": f"INSERT {{c}} INTO contact SELECT * FROM contact WHERE id = '{OLD2}'",
    "several rows, old and new": f"INSERT {{c}} INTO contact (id, family_name, owner_id) VALUES ('{NEW}', 'a', '{E}'), "
                                 f"('{OLD}', 'b', '{E}'), ('{NEW}', 'c', '{E}'), ('{OLD2}', 'd', '{E}')",
    "missing required": f"INSERT {{c}} INTO contact (id, family_name, owner_id) VALUES ('{OLD}', NULL, '{E}')",
    "null where a default stands": f"INSERT {{c}} INTO company (id, name, kind, owner_id) VALUES ('{uuid(10)}', 'n', NULL, '{E}')",
    "broken check on an existing id": f"INSERT {{c}} INTO company (id, name, kind, owner_id) VALUES ('{uuid(10)}', 'n', 'x', '{E}')",
    "parent with parts": f"INSERT {{c}} INTO sales_order (id, company_id, ordered_on, currency_id, owner_id) "
                         f"VALUES ('{uuid(30)}', '{uuid(11)}', '2025-02-02', '{uuid(2)}', '{E}')",
    "blob and hidden column": f"INSERT {{c}} INTO till (id, name, photo) VALUES ('{uuid(60)}', 'f', x'01')",
    "wide row": f"INSERT {{c}} INTO \"select\" (id, \"order\") VALUES ('{uuid(70)}', 'second')",
    "from a query": "INSERT {c} INTO contact (id, family_name, owner_id) SELECT id, family_name || '!', owner_id FROM contact",
    "with returning": f"INSERT {{c}} INTO contact (id, family_name, owner_id) VALUES ('{OLD}', 'r', '{E}') RETURNING id",
    "rowid by hand": f"INSERT {{c}} INTO contact (rowid, id, family_name, owner_id) VALUES (1, '{NEW}', 'thief', '{E}')",
}
UPSERTS = {
    "do update": f"INSERT INTO contact (id, family_name, owner_id) VALUES ('{OLD}', 'up', '{E}'), ('{NEW}', 'in', '{E}') "
                 "ON CONFLICT (id) DO UPDATE SET family_name = excluded.family_name, job_title = 'boss'",
    "do update, same value": f"INSERT INTO contact (id, family_name, owner_id) VALUES ('{OLD}', 'Li 0', '{E}') "
                             "ON CONFLICT (id) DO UPDATE SET family_name = excluded.family_name",
    "do update where": f"INSERT INTO contact (id, family_name, owner_id) VALUES ('{OLD}', 'up', '{E}') "
                       "ON CONFLICT (id) DO UPDATE SET family_name = excluded.family_name WHERE false",
    "do nothing": f"INSERT INTO contact (id, family_name, owner_id) VALUES ('{OLD}', 'no', '{E}') ON CONFLICT DO NOTHING",
    "replace into": f"REPLACE INTO contact (id, family_name, owner_id) VALUES ('{OLD}', 'repl', '{E}')",
}
UPDATES = {
    "one field": f"UPDATE {{c}} contact SET family_name = 'Wu' WHERE id = '{OLD}'",
    "to null and from null": "UPDATE {c} contact SET description = iif(description IS NULL, 'd', NULL)",
    "same value": "UPDATE {c} contact SET family_name = family_name, owner_id = owner_id",
    "many rows, many fields": "UPDATE {c} contact SET family_name = family_name || '2', job_title = 'x', do_not_call = 1",
    "from a join": "UPDATE {c} contact SET job_title = c.name FROM company AS c WHERE c.id = contact.company_id",
    "broken check half way": "UPDATE {c} company SET kind = iif(name = '公司 1', 'nonsense', 'partner')",
    "broken not null half way": "UPDATE {c} contact SET family_name = iif(family_name = 'Li 1', NULL, 'z')",
    "of a part": f"UPDATE {{c}} order_line SET sales_order_id = '{uuid(31)}', qty = 3000 WHERE position = 0",
    "of a blob": "UPDATE {c} till SET photo = x'0001', name = NULL",
    "of a sum": "UPDATE {c} till SET cash = cash + 3",
    "of a hidden column": "UPDATE {c} till SET seen_here = 99",
    "of keyword columns": "UPDATE {c} \"select\" SET \"order\" = 'o', \"group\" = 'b', f79 = NULL",
    "twice": f"UPDATE {{c}} contact SET family_name = 'p' WHERE id = '{OLD}'; UPDATE {{c}} contact SET family_name = 'q'",
    "of the id": f"UPDATE {{c}} contact SET id = '{OLD}' WHERE id = '{OLD2}'",
    "of the id to a new one": f"UPDATE {{c}} contact SET id = '{NEW}', family_name = 'gone' WHERE id = '{OLD2}'",
    "of the rowid": "UPDATE {c} contact SET rowid = 1 WHERE rowid = 2",
    "of the oid": "UPDATE {c} contact SET oid = 1 WHERE rowid = 2",
    "of the _rowid_": "UPDATE {c} contact SET _rowid_ = 1, family_name = 'w' WHERE rowid = 2",
    "of the id to itself": "UPDATE {c} contact SET id = id, family_name = 'self'",
}
DELETES = {
    "one row": f"DELETE FROM contact WHERE id = '{OLD}'",
    "all rows": "DELETE FROM contact",
    "a parent with parts of parts": f"DELETE FROM sales_order WHERE id = '{uuid(30)}'",
    "all parents": "DELETE FROM sales_order",
    "a part": f"DELETE FROM order_line WHERE id = '{uuid(40)}'",
    "blob": "DELETE FROM till",
    "wide": 'DELETE FROM "select"',
    "delete and insert again": f"DELETE FROM contact WHERE id = '{OLD}'; INSERT INTO contact (id, family_name, owner_id) VALUES ('{OLD}', 'back', '{E}')",
    "rolled back": "BEGIN; DELETE FROM contact; UPDATE company SET name = 'x'; ROLLBACK",
    "half rolled back": "BEGIN; UPDATE company SET name = 'x'; SAVEPOINT s; DELETE FROM contact; ROLLBACK TO s; COMMIT",
}
REFUSED = {"of the id", "of the id to a new one", "of the rowid", "of the oid", "of the _rowid_", "rowid by hand"}


class CaptureHazards(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="fb-capture-")
        cls.template, cls.tables, cls.fields = make_template(cls.folder)
        cls.before, _ = read_database(cls.template, cls.tables, cls.fields)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def run_case(self, client, pragmas, sql):
        path = os.path.join(self.folder, "case.db")
        shutil.copyfile(self.template, path)
        error = client.run(path, pragmas, sql)
        after, journal = read_database(path, self.tables, self.fields)
        self.assertEqual(undo(after, journal, self.tables, self.fields), self.before, error)
        return error, journal, after

    def each(self, statements, clauses):
        for client in (PythonClient(), ShellClient()):
            for pragmas, clause, (name, sql) in itertools.product(PRAGMAS, clauses, statements.items()):
                with self.subTest(client=client.name, pragmas=pragmas, clause=clause, statement=name):
                    error, journal, after = self.run_case(client, pragmas, sql.replace("{c}", clause))
                    if name in REFUSED:
                        self.assertRegex(error, "an id never changes|leave rowid out")
                        self.assertEqual(after, self.before)
                        self.assertEqual(journal, [])

    def test_inserts_with_every_conflict_clause_can_be_undone(self):
        self.each(INSERTS, CLAUSES)

    def test_upserts_can_be_undone(self):
        self.each(UPSERTS, [""])

    def test_updates_with_every_conflict_clause_can_be_undone(self):
        self.each(UPDATES, CLAUSES)

    def test_deletes_can_be_undone(self):
        self.each(DELETES, [""])

    def test_an_update_leaves_one_row_per_changed_field_and_none_for_equal_values(self):
        sql = f"UPDATE contact SET family_name = 'Wu', job_title = 'x', company_id = company_id WHERE id = '{OLD}'"
        _, journal, _ = self.run_case(PythonClient(), [], sql)
        self.assertCountEqual([(op, row, old) for op, _, row, _, old, _, _ in journal],
                              [(2, OLD, "Li 0"), (2, OLD, None)])

    def test_a_replaced_row_leaves_its_image_before_the_insert(self):
        _, journal, _ = self.run_case(PythonClient(), PRAGMAS[0], INSERTS["existing id"].replace("{c}", "OR REPLACE"))
        self.assertEqual([op for op, *_ in journal], [4, 1])
        self.assertEqual(json.loads(journal[0][4])["family_name"], "Li 0")

    def test_a_deleted_order_takes_its_lines_and_their_slips_along_each_with_its_image(self):
        for pragmas in PRAGMAS:
            _, journal, after = self.run_case(ShellClient(), pragmas, DELETES["a parent with parts of parts"])
            gone = sorted(row for op, _, row, *_ in journal)
            self.assertEqual([op for op, *_ in journal], [3] * 5)
            self.assertEqual(gone, sorted([uuid(30), uuid(40), uuid(41), uuid(140), uuid(141)]))
            self.assertFalse([k for k in after if k[1] in gone])

    def test_a_column_of_the_laptop_is_not_journalled(self):
        _, journal, _ = self.run_case(PythonClient(), [], "UPDATE till SET seen_here = 1")
        self.assertEqual(journal, [])
        _, journal, _ = self.run_case(PythonClient(), [], "DELETE FROM till")
        self.assertNotIn("seen_here", journal[0][4])

    def test_each_step_of_a_sum_has_an_id_of_its_own(self):
        sql = "UPDATE till SET cash = cash + 1; UPDATE till SET cash = cash + 1; INSERT INTO till (cash) VALUES (2)"
        _, journal, _ = self.run_case(PythonClient(), [], sql)
        steps = [step for *_, step in journal]
        self.assertEqual(len(set(steps)), 5)
        self.assertTrue(all(len(s) == 8 for s in steps))
        _, journal, _ = self.run_case(PythonClient(), [], "UPDATE till SET name = 'n'")
        self.assertEqual([step for *_, step in journal], [None, None])

    def test_the_time_of_a_journal_row_is_the_writers_clock_in_milliseconds(self):
        start = time.time() * 1000
        _, journal, _ = self.run_case(PythonClient(), [], UPDATES["one field"].replace("{c}", ""))
        self.assertTrue(start - 1 <= journal[0][5] <= time.time() * 1000 + 1)

    def test_ids_made_by_the_table_are_uuid_version_7_of_now(self):
        sql = "; ".join(f"INSERT INTO contact (family_name, owner_id) VALUES ('n{i}', '{E}')" for i in range(200))
        start = time.time() * 1000
        _, _, after = self.run_case(PythonClient(), [], sql)
        made = [key[1] for key in after if key not in self.before]
        self.assertEqual(len(set(made)), 200)
        for row_id in made:
            self.assertRegex(row_id, "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
            self.assertTrue(start - 1 <= int(row_id[:8] + row_id[9:13], 16) <= time.time() * 1000 + 1)

    def test_an_id_that_is_no_lower_case_uuid_is_refused(self):
        for wrong in ("x", OLD[:-2] + "AB", "0190000g" + NEW[8:], NEW + "0", NEW.replace("-", "x")):
            sql = f"INSERT INTO contact (id, family_name, owner_id) VALUES ('{wrong}', 'n', '{E}')"
            error, journal, after = self.run_case(PythonClient(), [], sql)
            self.assertRegex(error, "UUID|constraint", wrong)
            self.assertEqual(journal, [])

    def test_numbers_people_read_come_from_the_prefix_and_count_up(self):
        insert = (f"INSERT INTO sales_order (id, company_id, ordered_on, currency_id, owner_id) "
                  f"VALUES ('%s', '{uuid(10)}', '2025-03-03', '{uuid(2)}', '{E}')")
        sql = ";".join(insert % uuid(200 + n) for n in range(3))
        path = os.path.join(self.folder, "case.db")
        for pragmas in PRAGMAS:
            error, journal, _ = self.run_case(PythonClient(), pragmas, sql)
            self.assertEqual(error, "")
            db = sqlite3.connect(path)
            numbers = [r[0] for r in db.execute("SELECT number FROM sales_order ORDER BY id")]
            db.close()
            self.assertEqual(numbers, ["A7-00001", "A7-00002", "A7-00003", "A7-00004", "A7-00005"])
            self.assertEqual([op for op, *_ in journal], [1, 2] * 3)

    def test_a_number_given_by_hand_is_kept_and_uses_up_none(self):
        sql = (f"INSERT INTO sales_order (id, number, company_id, ordered_on, currency_id, owner_id) "
               f"VALUES ('{uuid(200)}', 'X1', '{uuid(10)}', '2025-03-03', '{uuid(2)}', '{E}')")
        _, journal, after = self.run_case(PythonClient(), [], sql)
        self.assertEqual([op for op, *_ in journal], [1])
        self.assertEqual([r["number"] for k, r in after.items() if k[1] == uuid(200)], ["X1"])

    def test_without_a_prefix_the_number_stays_empty_and_the_row_is_kept(self):
        sql = (f"DELETE FROM fb_meta; INSERT INTO sales_order (id, company_id, ordered_on, currency_id, owner_id) "
               f"VALUES ('{uuid(200)}', '{uuid(10)}', '2025-03-03', '{uuid(2)}', '{E}')")
        error, _, after = self.run_case(PythonClient(), [], sql)
        self.assertEqual(error, "")
        self.assertEqual([r["number"] for k, r in after.items() if k[1] == uuid(200)], [None])

    def test_vacuum_leaves_capture_working(self):
        _, journal, _ = self.run_case(ShellClient(), [], "VACUUM; UPDATE contact SET job_title = 'v'")
        self.assertEqual(len(journal), 3)

    def test_an_upgrade_by_rename_or_new_column_does_not_stop_capture(self):
        sql = "ALTER TABLE contact ADD COLUMN x_foreign TEXT; UPDATE contact SET x_foreign = 'a', job_title = 'v'"
        _, journal, _ = self.run_case(ShellClient(), [], sql)
        self.assertEqual(len(journal), 3)


if __name__ == "__main__":
    if not shutil.which("sqlite3"):
        sys.exit("the sqlite3 shell is missing: apt install sqlite3")
    unittest.main()
