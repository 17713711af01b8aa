#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The demo: tells the main story line by line and proves its end. Seen by a person it then leaves headquarters and both laptops running
with their pages, until Ctrl+C; with --story, or without a terminal, it ends."""
import json
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from fieldbook import World, differences, until  # noqa: E402

STARTED = time.monotonic()


def tell(text):
    print(f"{time.monotonic() - STARTED:5.1f} s  {text}", flush=True)


def one(node, sql, *values):
    return node.rows(sql, *values)[0][0]


def hand_over(hq, owners, person):
    """What some of the sample's people own becomes a person's who works in the story: his day is not empty."""
    for table in ("company", "contact", "lead", "opportunity", "activity", "sales_order"):
        hq.sql(f"UPDATE {table} SET owner_id = ? WHERE owner_id IN ({', '.join('?' * len(owners))})", person, *owners)


def show_pages(hq, people):
    """Addresses to open in a browser; returns at Ctrl+C."""
    for _, laptop in people:
        laptop.start("--web", "127.0.0.1:0")
    print("\nIn the browser, until Ctrl+C:\n")
    print(f"  headquarters     https://localhost:{hq.port}/   login admin, one-time password {hq.password}")
    print(f"                   (its own authority signed the certificate: {hq.data}/tls/root.pem)")
    for name, laptop in people:
        address = until(lambda node=laptop: node.command("open", "--print", check=False).stdout.strip(), f"the pages of {name}")
        print(f"  {name}'s laptop    {address}")
    print("\n  (an address of a laptop opens once, within a minute; these make another)")
    for _, laptop in people:
        print(f"  build/dev/bin/{laptop.program} open --print --data {laptop.data}")
    print(flush=True)
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.pause()


def main(is_watched=False):
    tell("A headquarters is made: database, certificate authority, first admin.")
    with World() as w:
        hq = w.hq
        tell(f"It listens on {hq.address}, TLS 1.3 with certificates of its own.")
        hq.command("sample", "--companies", "60", "--seed", "7")
        counts = ", ".join(f"{one(hq, f'SELECT count(*) FROM {t}')} {label}" for t, label in
                           (("company", "companies"), ("contact", "contacts"), ("opportunity", "opportunities"), ("sales_order", "orders")))
        tell(f"Sample data, Chinese and English: {counts}.")
        ming = w.laptop("ming", person="李明")
        fang = w.laptop("fang", person="王芳")
        tell("Two laptops enrol with one-time codes: 李明 and 王芳.")
        owners = [row[0] for row in hq.rows("SELECT DISTINCT owner_id FROM company ORDER BY 1")]
        for n, login in enumerate(("ming", "fang")):
            hand_over(hq, owners[n::3], one(hq, "SELECT employee_id FROM fb_user WHERE login = ?", login))
        for laptop, name in ((ming, "李明"), (fang, "王芳")):
            got = laptop.sync()
            tell(f"{name}: first download, {got['received']} rows, digest {got['digest']}.")

        company, name = hq.rows("SELECT id, name FROM company ORDER BY name LIMIT 1")[0]
        tell(f"No network now. Both work on {name}:")
        ming.shell(f"UPDATE company SET website = 'https://donghua.example', name = name || '股份' WHERE id = '{company}';"
                   f"INSERT INTO contact (family_name, given_name, company_id, owner_id)"
                   f" SELECT '张', '伟', '{company}', owner_id FROM company WHERE id = '{company}';")
        tell("  李明, in the stock sqlite3 shell: a web site, another name, a new contact 张伟.")
        fang.sql("UPDATE company SET description = ?, name = name || ' Group' WHERE id = ?", "Visited on Monday.", company)
        tell("  王芳, in Python: a description, and also another name.")
        hq.sql("UPDATE company SET credit_limit = 5000000 WHERE id = ?", company)
        tell("  Headquarters: a credit limit of 50,000.00.")
        waiting = ming.status()["to_send"]
        tell(f"  李明's laptop shows {waiting} entries to send.")

        for laptop, name_of in ((ming, "李明"), (fang, "王芳"), (ming, "李明")):
            got = laptop.sync()
            tell(f"{name_of} syncs: {got['sent']} sent, {got['received']} received, {got['conflicts']} conflicts wait.")
        fields = hq.rows("SELECT website, description, credit_limit FROM company WHERE id = ?", company)[0]
        assert fields == ("https://donghua.example", "Visited on Monday.", 5000000), fields
        tell("Different fields: all three edits stand, nobody was asked.")

        waiting = [json.loads(line) for line in hq.command("conflict", "list", "--json").splitlines()]
        assert len(waiting) == 1, waiting
        conflict = waiting[0]
        tell(f"The same field: one conflict, {conflict['field']}: headquarters wrote {json.loads(conflict['headquarters'])['name']}, the laptop {json.loads(conflict['laptop'])['name']} ({conflict['laptop_by']}).")
        hq.command("conflict", "rule", conflict["id"], "--keep", "mine")
        tell("The admin keeps the laptop's name.")
        for laptop in (ming, fang):
            laptop.sync()
        names = {node.rows("SELECT name FROM company WHERE id = ?", company)[0][0] for node in (hq, ming, fang)}
        assert len(names) == 1, names
        tell(f"Everybody now reads {names.pop()}.")

        for laptop, name in ((ming, "李明"), (fang, "王芳")):
            got = laptop.sync()
            assert got["digest"] == "equal", got
            tell(f"{name}: digest of all rows equal to headquarters' at revision {got['rev']}.")
        for laptop in (ming, fang):
            different = differences(hq, laptop)
            assert different == [], different
        tell("Compared row by row by plain SQL as well: all three files are equal.")
        if is_watched:
            show_pages(hq, (("李明", ming), ("王芳", fang)))
        for node in w.nodes:
            node.stop()
        print("\nEverything above ran on real programs, real SQLite files and real TLS; it is gone now.")


if __name__ == "__main__":
    main(sys.stdout.isatty() and "--story" not in sys.argv)
