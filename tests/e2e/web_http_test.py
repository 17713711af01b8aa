#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The pages of real processes, asked by raw sockets and Python's own client: hostile requests, logins, foreign sites, a
laptop without a network, slow and many browsers, a server killed in the middle of a save."""
import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import struct
import threading
import time
import unittest

from browser import PASS, Browser
from fieldbook import World, free_port, run, until

def raw(port, data, ca=None, wait=10):
    """Sends bytes, reads until the other side closes or wait is over."""
    s = socket.create_connection(("127.0.0.1", port), timeout=wait)
    if ca:
        context = ssl.create_default_context(cafile=str(ca))
        context.set_alpn_protocols(["http/1.1"])
        s = context.wrap_socket(s, server_hostname="localhost")
    got = b""
    try:
        s.sendall(data)
        while True:
            more = s.recv(65536)
            if not more:
                break
            got += more
    except (TimeoutError, ConnectionError, ssl.SSLError):
        pass
    finally:
        s.close()
    return got


def not_answered(browser):
    """What a node's own description names, but the node doesn't know; and what it should name."""
    _, _, api = browser.ask("GET", "/api/v1/openapi")
    ids = [m["operationId"] for p in api["paths"].values() for m in p.values() if isinstance(m, dict)]
    wrong = [i for i in ids if ids.count(i) > 1]
    for path, methods in api["paths"].items():
        if "get" in methods and "{" not in path and path not in ("/open", "/api/v1/events"):
            status, _, answer = browser.ask("GET", path)
            code = answer.get("code") if isinstance(answer, dict) else ""
            if status in (404, 405) and code != "only_headquarters":
                wrong.append(f"GET {path}: {status}")
        # A method that is not there is told from a body that says nothing.
        if "post" in methods and "{" not in path and not path.endswith(("/now", "/pause", "/resume")):
            status, _, answer = browser.ask("PUT", path, {})
            if status != 405:
                wrong.append(f"PUT {path}: {status}")
    return wrong, api["paths"]


H = b"Host: localhost\r\n"
HOSTILE = [
    ("two lengths", b"POST /api/v1/session HTTP/1.1\r\n" + H + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
    ("length and chunks", b"POST / HTTP/1.1\r\n" + H + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("bare line ends", b"GET / HTTP/1.1\nHost: localhost\n\n", 400),
    ("NUL in a value", b"GET / HTTP/1.1\r\n" + H + b"X: a\0b\r\n\r\n", 400),
    ("negative length", b"POST / HTTP/1.1\r\n" + H + b"Content-Length: -5\r\n\r\nhello", 400),
    ("a megabyte of header", b"GET / HTTP/1.1\r\n" + H + b"X: " + b"a" * 1000000 + b"\r\n\r\n", 431),
    ("65 headers", b"GET / HTTP/1.1\r\n" + H + b"".join(b"X%d: a\r\n" % i for i in range(65)) + b"\r\n", 431),
    ("space before colon", b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", 400),
    ("no host", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("two hosts", b"GET / HTTP/1.1\r\n" + H + H + b"\r\n", 400),
    ("a folded line", b"GET / HTTP/1.1\r\n" + H + b"X: a\r\n b\r\n\r\n", 400),
    ("an absolute target", b"GET http://localhost/ HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("dots", b"GET /assets/../../../etc/passwd HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("encoded dots", b"GET /assets/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("an encoded slash", b"GET /assets/..%2f..%2fetc%2fpasswd HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("an encoded NUL", b"GET /assets/a%00.js HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("a backslash", b"GET /assets\\..\\a HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("HTTP/1.0", b"GET / HTTP/1.0\r\n" + H + b"\r\n", 505),
    ("HTTP/0.9", b"GET /\r\n\r\n", 400),
    ("CONNECT", b"CONNECT localhost:443 HTTP/1.1\r\n" + H + b"\r\n", 501),
    ("TRACE", b"TRACE / HTTP/1.1\r\n" + H + b"\r\n", 501),
    ("another coding", b"POST / HTTP/1.1\r\n" + H + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
    ("a body that is too large", b"POST /api/v1/session HTTP/1.1\r\n" + H +
     b"Content-Type: application/json\r\nContent-Length: 99999999\r\n\r\n", 413),
]


def totp(secret, at):
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(at // 30)), hashlib.sha1).digest()
    offset = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[offset:offset + 4])[0] & 0x7fffffff) % 1000000:06d}"


class Headquarters(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w = World().__enter__()
        cls.hq = cls.w.hq
        cls.ca = cls.hq.data / "tls" / "ca.pem"
        cls.admin = cls.browser().must_login("admin", cls.hq.password)

    @classmethod
    def tearDownClass(cls):
        cls.w.__exit__(None, None, None)

    @classmethod
    def browser(cls):
        return Browser(cls.hq.port, cls.ca)

    def again(self, browser):
        """The same login on a connection of its own: an idle one is closed after a minute."""
        other = self.browser()
        other.cookies, other.csrf = dict(browser.cookies), browser.csrf
        return other

    def person(self, login, role="rep"):
        return self.browser().must_login(login, self.hq.add_user(login, login.capitalize(), role))

    def test_hostile_requests_are_refused_and_the_server_lives(self):
        for name, data, expected in HOSTILE:
            answer = raw(self.hq.port, data, self.ca, wait=5)
            self.assertTrue(answer.startswith(b"HTTP/1.1 %d " % expected), f"{name}: {answer[:200]}")
            self.assertEqual(answer.count(b"HTTP/1.1 "), 1, f"{name}: something was smuggled: {answer[:400]}")
        self.assertEqual(self.again(self.admin).ask("GET", "/api/v1/session")[0], 200)

    def test_a_browser_is_not_asked_for_a_certificate_and_gets_the_headers_of_the_law(self):
        status, headers, _ = self.browser().ask("GET", "/healthz")
        self.assertEqual(status, 200)
        self.assertIn("default-src 'none'; script-src 'self'; style-src 'self' 'nonce-", headers["Content-Security-Policy"])
        self.assertNotIn("unsafe", headers["Content-Security-Policy"])
        for name, value in (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
                            ("Cross-Origin-Opener-Policy", "same-origin"), ("Cache-Control", "no-store"),
                            ("Cross-Origin-Resource-Policy", "same-origin"), ("X-Frame-Options", "DENY")):
            self.assertEqual(headers[name], value)
        self.assertIn("max-age=", headers["Strict-Transport-Security"])

    def test_nothing_is_told_to_those_who_have_not_logged_in(self):
        stranger = self.browser()
        for method, path in (("GET", "/api/v1/session"), ("GET", "/api/v1/company"), ("GET", "/api/v1/sync"),
                             ("GET", "/api/v1/events"), ("POST", "/api/v1/company"), ("DELETE", "/api/v1/session")):
            status, _, body = stranger.ask(method, path, {} if method == "POST" else None)
            self.assertEqual((status, body["code"]), (401, "login_expired"), path)

    def test_a_one_time_password_lets_one_do_nothing_but_change_it(self):
        b = self.browser()
        password = self.hq.add_user("first", "First One", "rep")
        self.assertEqual(b.login("first", password)[0], 200)
        status, _, body = b.ask("GET", "/api/v1/company")
        self.assertEqual((status, body["code"]), (403, "must_change_password"))
        for new in ("short", "password1234", "aaaaaaaaaaaaaaa", "fieldbookfieldbook", password):
            status, _, body = b.ask("POST", "/api/v1/session/password", {"old": password, "new": new})
            self.assertEqual((status, body["code"]), (422, "check"), new)
        status, _, body = b.ask("POST", "/api/v1/session/password", {"old": "wrong", "new": PASS})
        self.assertEqual((status, "old" in body["fields"]), (422, True))
        self.assertEqual(b.ask("POST", "/api/v1/session/password", {"old": password, "new": PASS})[0], 200)
        self.assertEqual(b.ask("GET", "/api/v1/company")[0], 200)

    def test_the_cookie_is_for_this_site_alone_and_new_at_each_login(self):
        b = self.browser()
        b.cookies["__Host-fb"] = "a" * 64  # fixation: a login that somebody else chose
        password = self.hq.add_user("cora", "Cora Chen", "rep")
        status, headers, _ = b.ask("POST", "/api/v1/session", {"login": "cora", "password": password})
        self.assertEqual(status, 200)
        for word in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(word, headers["Set-Cookie"])
        first = b.cookies["__Host-fb"]
        self.assertNotEqual(first, "a" * 64)
        self.assertEqual(b.login("cora", password)[0], 200)
        self.assertNotEqual(b.cookies["__Host-fb"], first)
        old = self.browser()
        old.cookies["__Host-fb"] = first
        self.assertEqual(old.ask("GET", "/api/v1/session")[0], 401)
        stored = self.hq.rows("SELECT hex(token_hash) FROM fb_login")
        self.assertNotIn(b.cookies["__Host-fb"].upper(), str(stored))
        self.assertEqual(b.ask("DELETE", "/api/v1/session")[0], 204)
        self.assertEqual(b.ask("GET", "/api/v1/session")[0], 401)

    def test_foreign_sites_cannot_change_anything(self):
        b = self.person("dora")
        body = {"row": {"name": "x"}}
        good = {"Origin": f"https://localhost:{self.hq.port}", "Sec-Fetch-Site": "same-origin"}
        for wrong in ({"X-Fieldbook": None}, {"X-Fieldbook": "0" * 32}, {"X-Fieldbook": b.csrf[:-1]}, {"Sec-Fetch-Site": "cross-site"},
                      {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"},
                      {"Origin": f"http://localhost:{self.hq.port}"}, {"Origin": "https://localhost"}):
            status, _, answer = b.ask("POST", "/api/v1/company", body, {**good, **wrong})
            self.assertEqual((status, answer["code"]), (403, "csrf"), wrong)
        for form in ("text/plain", "application/x-www-form-urlencoded", "application/json5", None):
            status, _, answer = b.ask("POST", "/api/v1/company", body, {**good, "Content-Type": form})
            self.assertEqual(status, 415, form)
        status, _, answer = self.browser().ask("POST", "/api/v1/session", {"login": "dora", "password": PASS},
                                               {"Sec-Fetch-Site": "cross-site"})
        self.assertEqual((status, answer["code"]), (403, "csrf"))

    def test_wrong_passwords_take_as_long_as_right_ones_and_then_longer(self):
        self.person("eva")
        answers, times = [], {}
        for login in ("eva", "nobody-here"):
            for _ in range(4):
                b = self.browser()
                started = time.monotonic()
                answers.append(b.login(login, "wrong password!"))
                times.setdefault(login, []).append(time.monotonic() - started)
        self.assertEqual(len({json.dumps(a) for a in answers}), 1, answers)
        self.assertLess(min(times["eva"]), 10 * min(times["nobody-here"]))
        self.assertLess(min(times["nobody-here"]), 10 * min(times["eva"]))
        for _ in range(8):  # the delay doubles until it is longer than the time between two tries
            status, body = self.browser().login("eva", "wrong password!")
            if status == 429:
                break
        self.assertEqual((status, body["code"]), (429, "login_wait"))
        self.assertGreater(body["retry_after_s"], 0)
        until(lambda: self.browser().login("eva", PASS)[0] == 200, "eva may try again")

    def test_a_login_ends_with_its_roles_and_its_password(self):
        b = self.person("fay")
        (role,) = self.hq.rows("SELECT id FROM role WHERE name = 'manager'")[0]
        (employee,) = self.hq.rows("SELECT employee_id FROM fb_user WHERE login = 'fay'")[0]
        self.assertEqual(b.ask("GET", "/api/v1/session")[0], 200)
        self.hq.sql("INSERT INTO employee_role (employee_id, role_id) VALUES (?, ?)", employee, role)
        self.assertEqual(b.ask("GET", "/api/v1/session")[0], 401)
        self.assertEqual(b.login("fay", PASS)[0], 200)
        self.assertEqual(sorted(b.ask("GET", "/api/v1/session")[2]["roles"]), ["manager", "rep"])
        self.hq.command("user", "password", "fay")
        self.assertEqual(b.ask("GET", "/api/v1/session")[0], 401)
        c = self.person("gus")
        self.hq.sql("UPDATE employee SET status = 'left' WHERE user_name = 'gus'")
        self.assertEqual(c.ask("GET", "/api/v1/session")[0], 401)
        self.assertEqual(c.login("gus", PASS)[0], 401)

    def test_a_second_factor_counts_once(self):
        b = self.person("hana", "admin")
        status, _, body = b.ask("POST", "/api/v1/session/totp", {})
        self.assertEqual(status, 200)
        self.assertRegex(body["uri"], r"^otpauth://totp/Fieldbook:hana\?secret=[A-Z2-7]{32}&issuer=Fieldbook$")
        secret, now = body["secret"], time.time()
        self.assertEqual(self.browser().login("hana", PASS)[0], 200)  # not in force before its first code
        self.assertEqual(b.ask("POST", "/api/v1/session/totp/confirm", {"code": "000000"})[0], 422)
        self.assertEqual(b.ask("POST", "/api/v1/session/totp/confirm", {"code": totp(secret, now)})[0], 204)
        self.assertEqual(self.browser().login("hana", PASS)[1]["code"], "totp_needed")
        self.assertEqual(self.browser().login("hana", PASS, totp=totp(secret, now - 3600))[1]["code"], "login_wrong")
        self.assertEqual(self.browser().login("hana", PASS, totp=totp(secret, now))[1]["code"], "login_wrong")  # used
        self.assertEqual(self.browser().login("hana", PASS, totp=totp(secret, now + 30))[0], 200)

    def test_events_tell_what_another_program_wrote(self):
        b = self.person("ida", "admin")
        self.assertEqual(b.ask("GET", "/api/v1/events?topics=nonsense")[0], 400)
        context = ssl.create_default_context(cafile=str(self.ca))
        context.set_alpn_protocols(["http/1.1"])
        s = context.wrap_socket(socket.create_connection(("127.0.0.1", self.hq.port), timeout=30), server_hostname="localhost")
        s.sendall(f"GET /api/v1/events?topics=record HTTP/1.1\r\nHost: localhost:{self.hq.port}\r\n"
                  f"Cookie: __Host-fb={b.cookies['__Host-fb']}\r\n\r\n".encode())
        got = b""
        while b"retry: 2000" not in got:
            got += s.recv(65536)
        self.assertIn(b"Content-Type: text/event-stream", got)
        self.hq.sql("INSERT INTO team (name) VALUES ('North')")
        while b'"entity":"team"' not in got:
            got += s.recv(65536)
        last = int(re.findall(rb"id: (\d+)", got)[-1])
        s.close()
        self.hq.sql("INSERT INTO team (name) VALUES ('South')")
        s = context.wrap_socket(socket.create_connection(("127.0.0.1", self.hq.port), timeout=30), server_hostname="localhost")
        s.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {last + 1000}\r\n"
                  f"Cookie: __Host-fb={b.cookies['__Host-fb']}\r\n\r\n".encode())
        got = b""
        while b"event: reset" not in got:  # a number that is not known: everything is to be read anew
            got += s.recv(65536)
        s.close()

    def test_what_is_written_is_found_within_a_second_or_so(self):
        b = self.person("kim", "admin")
        self.assertEqual(b.ask("GET", "/api/v1/search?q=quartz")[2], [])
        status, _, body = b.ask("POST", "/api/v1/company", {"row": {"name": "Quartz 石英玻璃厂", "owner_id": self.me(b)}})
        self.assertEqual(status, 201, body)
        for q in ("quartz", "syblc", "%E7%8E%BB%E7%92%83"):
            hits = until(lambda q=q: b.ask("GET", f"/api/v1/search?q={q}")[2], f"{q} is found", seconds=5)
            self.assertEqual([(h["entity"], h["id"]) for h in hits], [("company", body["row"]["id"])])
        self.hq.sql("UPDATE company SET name = 'Feldspar' WHERE id = ?", body["row"]["id"])  # by another program
        until(lambda: b.ask("GET", "/api/v1/search?q=feldspar")[2], "the new name is found", seconds=5)
        self.assertEqual(b.ask("GET", "/api/v1/search?q=quartz")[2], [])
        self.assertTrue((self.hq.data / "search.db").exists())

    def me(self, browser):
        return browser.ask("GET", "/api/v1/session")[2]["user"]["id"]

    def test_who_dribbles_is_cut_and_harms_nobody(self):
        context = ssl.create_default_context(cafile=str(self.ca))
        context.set_alpn_protocols(["http/1.1"])
        slow = [context.wrap_socket(socket.create_connection(("127.0.0.1", self.hq.port), timeout=40), server_hostname="localhost")
                for _ in range(5)]
        for s in slow:
            s.sendall(b"GET / HTTP/1.1\r\n")
        started = time.monotonic()
        self.assertEqual(self.again(self.admin).ask("GET", "/api/v1/session")[0], 200)
        for s in slow:
            got = b""
            while True:
                more = s.recv(65536)
                if not more:
                    break
                got += more
            self.assertTrue(got.startswith(b"HTTP/1.1 408 "), got[:100])
        self.assertGreater(time.monotonic() - started, 8)
        self.assertLess(time.monotonic() - started, 35)

    def test_the_description_names_what_headquarters_answers(self):
        wrong, paths = not_answered(self.again(self.admin))
        self.assertEqual(wrong, [])
        for path in ("/api/v1/devices", "/api/v1/territories/apply", "/api/v1/session/totp", "/api/v1/sync", "/metrics",
                     "/api/v1/{entity}/{id}"):
            self.assertIn(path, paths)
        self.assertEqual(paths["/api/v1/devices"]["get"]["tags"], ["headquarters"])
        self.assertNotIn("/api/v1/sync/pause", paths)

    def test_metrics_are_for_this_computer_and_admins(self):
        status, headers, text = self.browser().ask("GET", "/metrics")
        self.assertEqual(status, 200)
        self.assertTrue(headers["Content-Type"].startswith("text/plain"))
        for name in ("fieldbook_build_info", "fieldbook_conflicts_open", "fieldbook_db_bytes", "fieldbook_wal_bytes", "fieldbook_db_damaged 0\n",
                     "fieldbook_http_request_seconds_count"):
            self.assertIn(name, text)
        self.assertEqual(self.browser().ask("GET", "/readyz")[0], 200)

    def test_two_hundred_browsers_stay_connected(self):
        b = self.person("jo")
        many = []
        for _ in range(200):
            other = self.browser()
            other.cookies = dict(b.cookies)
            self.assertEqual(other.ask("GET", "/api/v1/session")[0], 200)
            many.append(other)
        for other in many[::20]:
            self.assertEqual(other.ask("GET", "/api/v1/session")[0], 200)
        _, _, text = self.browser().ask("GET", "/metrics")
        self.assertGreaterEqual(int(re.search(r"^fieldbook_http_connections (\d+)", text, re.M).group(1)), 200)


    def test_an_admin_invites_a_laptop_and_approves_it_by_its_check(self):
        b = self.person("lea", "admin")
        status, _, made = b.ask("POST", "/api/v1/devices/invite", {"user": "lea", "name": "lea-x1"})
        self.assertEqual(status, 201, made)
        self.assertEqual(made["address"], f"localhost:{self.hq.port}")
        laptop = self.w.folder / "lea-x1"
        run("fieldbook-replica", "enrol", "--server", made["address"], "--code", made["code"], "--data", laptop)
        (row,) = [d for d in b.ask("GET", "/api/v1/devices")[2]["rows"] if d["name"] == "lea-x1"]
        self.assertEqual((row["state"], row["person"]), ("active", "Lea"))
        self.assertRegex(row["check"], r"^[0-9a-f]{4}(-[0-9a-f]{4}){3}$")
        self.assertEqual(b.ask("POST", f"/api/v1/devices/{row['id']}/revoke", {})[0], 204)
        done = run("fieldbook-replica", "sync", "--data", laptop, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.person("max").ask("GET", "/api/v1/devices")[2]["code"], "right_missing")

    def test_a_backup_from_the_pages_can_be_restored(self):
        b = self.person("nia", "admin")
        self.assertEqual(b.ask("GET", "/api/v1/backups")[2]["rows"], [])
        checks = {c["name"]: c for c in b.ask("GET", "/api/v1/health")[2]["checks"]}
        self.assertEqual({n: c["ok"] for n, c in checks.items() if n != "disk"}, {"database": True, "backup": False, "certificate": True})
        self.assertEqual({n: c.get("fact") for n, c in checks.items()}, {"database": None, "disk": "free", "backup": "never", "certificate": "until"})
        self.assertGreater(checks["disk"]["value"], 0)
        self.assertEqual(b.ask("POST", "/api/v1/backups", {})[0], 202)
        made = until(lambda: b.ask("GET", "/api/v1/backups")[2]["rows"], "the backup is made")
        listed = until(lambda: (a := b.ask("GET", "/api/v1/backups")[2])["running"] is None and a, "it ended")
        self.assertIsNone(listed["failed"])
        path = self.hq.data / "backups" / made[0]["id"]
        self.assertEqual((path.stat().st_size, path.stat().st_mode & 0o777), (made[0]["bytes"], 0o600))
        self.assertTrue({c["name"]: c for c in b.ask("GET", "/api/v1/health")[2]["checks"]}["backup"]["ok"])
        other = self.w.folder / "other"
        run("fieldbook-server", "restore", path, "--data", other)
        self.assertTrue((other / "fieldbook.db").exists())


class Killed(unittest.TestCase):
    def test_what_was_answered_survives_a_kill_and_what_was_not_is_whole_or_absent(self):
        with World() as w:
            hq, ca = w.hq, w.hq.data / "tls" / "ca.pem"
            b = Browser(hq.port, ca).must_login("admin", hq.password)
            saved, stop = [], threading.Event()

            def save():
                n = 0
                while not stop.is_set():
                    n += 1
                    try:
                        status, _, body = b.ask("POST", "/api/v1/team", {"row": {"name": f"team {n}"}})
                    except (OSError, http.client.HTTPException):
                        return
                    assert status == 201, body
                    saved.append(f"team {n}")

            t = threading.Thread(target=save)
            t.start()
            until(lambda: len(saved) > 5, "some teams are saved")
            hq.kill()
            t.join(60)
            stop.set()
            names = [name for (name,) in hq.rows("SELECT name FROM team WHERE name LIKE 'team %'")]
            self.assertEqual(set(saved) - set(names), set())
            self.assertLessEqual(len(names), len(saved) + 1)
            hq.start()
            c = Browser(hq.port, ca)
            c.cookies, c.csrf = b.cookies, b.csrf
            self.assertEqual(c.ask("GET", "/api/v1/session")[0], 200)  # the login is still there


class Rewound(unittest.TestCase):
    def test_nothing_is_saved_at_a_headquarters_that_was_set_back(self):
        with World() as w:
            hq, ca = w.hq, w.hq.data / "tls" / "ca.pem"
            b = Browser(hq.port, ca).must_login("admin", hq.password)
            hq.stop()
            old = w.folder / "old"
            old.mkdir()
            for path in hq.data.glob("fieldbook.db*"):
                shutil.copy(path, old)
            hq.start()
            again = Browser(hq.port, ca)
            again.cookies, again.csrf = b.cookies, b.csrf
            self.assertEqual(again.ask("POST", "/api/v1/team", {"row": {"name": "After the copy"}})[0], 201)
            hq.stop()
            for path in hq.data.glob("fieldbook.db*"):
                path.unlink()
            for path in old.iterdir():
                shutil.copy(path, hq.data)
            hq.start()
            until(lambda: "rewound" in hq.log.read_text(), "it notices by the mark beside the database")
            c = Browser(hq.port, ca)
            self.assertEqual(c.login("admin", PASS)[0], 200)  # who is to settle it must get in
            for method, path, body in (("POST", "/api/v1/team", {"row": {"name": "Refused"}}),
                                       ("POST", "/api/v1/users", {"login": "x", "name": "X"}),
                                       ("POST", "/api/v1/conflicts/rule", {"ids": [], "keep": "mine"})):
                status, _, answer = c.ask(method, path, body)
                self.assertEqual((status, answer["code"]), (503, "rewound"), path)
                self.assertIn("set back to an older state", answer["detail"])
            self.assertEqual(c.ask("GET", "/api/v1/team")[0], 200)
            (check,) = [x for x in c.ask("GET", "/api/v1/health")[2]["checks"] if x["name"] == "database"]
            self.assertFalse(check["ok"])
            done = hq.command("user", "add", "late", "--name", "Too Late", "--role", "rep", check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("restore --confirm", done.stderr)
            hq.command("restore", "--confirm")
            until(lambda: c.ask("POST", "/api/v1/team", {"row": {"name": "Confirmed"}})[0] == 201, "it takes writes again")
            hq.add_user("late", "In Time", "rep")


class Laptop(unittest.TestCase):
    def open(self, laptop):
        url = laptop.command("open", "--print").strip()
        host, port, path = re.match(r"http://(\w+):(\d+)(/open\?token=\S+)$", url).groups()
        return Browser(int(port), host=host), path

    def test_the_pages_of_a_laptop(self):
        with World() as w:
            laptop = w.laptop("ana")
            laptop.sync()
            laptop.start("--web", "localhost:0")
            until(lambda: (laptop.data / "web-address").exists(), "the pages are there")
            self.assertEqual(os.stat(laptop.data / "web-token").st_mode & 0o777, 0o600)
            b, path = self.open(laptop)
            with self.subTest("nothing without the cookie"):
                self.assertEqual(b.ask("GET", "/api/v1/session")[2]["code"], "not_opened")
                for wrong in ("/open", "/open?token=1-2-3", path[:-1] + ("0" if path[-1] != "0" else "1")):
                    status, headers, _ = b.ask("GET", wrong)
                    self.assertEqual((status, headers["Location"], headers["Set-Cookie"]), (303, "/", None), wrong)
                self.assertEqual(b.ask("GET", "/api/v1/session")[0], 401)
            with self.subTest("the link works once"):
                status, headers, _ = b.ask("GET", path)
                self.assertEqual((status, headers["Location"]), (303, "/"))
                self.assertIn("HttpOnly", headers["Set-Cookie"])
                self.assertIn("SameSite=Strict", headers["Set-Cookie"])
                second = Browser(b.port)
                self.assertIsNone(second.ask("GET", path)[1]["Set-Cookie"])
                self.assertEqual(second.ask("GET", "/api/v1/session")[0], 401)
                status, _, body = b.ask("GET", "/api/v1/session")
                self.assertEqual((status, body["node"], body["user"]["login"]), (200, "replica", "ana"))
                b.csrf = body["csrf"]
            with self.subTest("the description names what a laptop answers"):
                wrong, paths = not_answered(b)
                self.assertEqual(wrong, [])
                self.assertEqual(paths["/api/v1/sync/pause"]["post"]["tags"], ["laptop"])
                self.assertIn("/api/v1/{entity}/{id}", paths)
                self.assertNotIn("/api/v1/devices", paths)
            with self.subTest("rebinding and foreign pages"):
                for host in ("evil.example", f"evil.example:{b.port}", "localhost", f"localhost:{b.port + 1}",
                             f"127.0.0.1.evil.example:{b.port}"):
                    self.assertEqual(b.ask("GET", "/api/v1/session", headers={"Host": host})[0], 421, host)
                for host in (f"127.0.0.1:{b.port}", f"[::1]:{b.port}", f"LOCALHOST:{b.port}"):
                    self.assertEqual(b.ask("GET", "/api/v1/session", headers={"Host": host})[0], 200, host)
                for wrong in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"X-Fieldbook": "x"},
                              {"Origin": f"https://localhost:{b.port}"}):
                    self.assertEqual(b.ask("POST", "/api/v1/sync/now", {}, wrong)[2]["code"], "csrf", wrong)
            with self.subTest("hostile requests"):
                for name, data, expected in HOSTILE[:-1]:
                    answer = raw(b.port, data.replace(H, b"Host: localhost:%d\r\n" % b.port), wait=5)
                    self.assertTrue(answer.startswith(b"HTTP/1.1 %d " % expected), f"{name}: {answer[:200]}")
            with self.subTest("how synchronisation stands"):
                until(lambda: b.ask("GET", "/api/v1/sync")[2]["state"] == "in_step", "in step")
                self.assertEqual(b.ask("POST", "/api/v1/sync/pause", {})[0], 202)
                until(lambda: b.ask("GET", "/api/v1/sync")[2]["state"] == "paused", "paused")
                laptop.sql("INSERT INTO team (name) VALUES ('While paused')")
                time.sleep(1)
                self.assertEqual(b.ask("GET", "/api/v1/sync")[2]["waiting"], 1)
                self.assertEqual(b.ask("GET", "/api/v1/sync/waiting")[2]["rows"][0]["title"], "While paused")
                self.assertEqual(w.hq.rows("SELECT 1 FROM team WHERE name = 'While paused'"), [])
                self.assertEqual(b.ask("POST", "/api/v1/sync/resume", {})[0], 202)
                until(lambda: w.hq.rows("SELECT 1 FROM team WHERE name = 'While paused'"), "it went up")
                until(lambda: b.ask("GET", "/api/v1/sync")[2]["waiting"] == 0, "nothing waits")
                self.assertTrue(b.ask("GET", "/api/v1/sync/rounds")[2]["rows"])
            with self.subTest("without headquarters"):
                w.hq.stop()
                until(lambda: b.ask("GET", "/api/v1/sync")[2]["state"] == "offline", "offline")
                status, _, body = b.ask("POST", "/api/v1/team", {"row": {"name": "Written offline"}})
                self.assertEqual(status, 201, body)
                self.assertEqual(b.ask("GET", "/api/v1/sync")[2]["state"], "offline_waiting")
                hits = until(lambda: b.ask("GET", "/api/v1/search?q=offline")[2], "it is found", seconds=5)
                self.assertEqual([h["title"] for h in hits], ["Written offline"])
                w.hq.start()
                self.assertEqual(b.ask("POST", "/api/v1/sync/now", {})[0], 202)
                until(lambda: w.hq.rows("SELECT 1 FROM team WHERE name = 'Written offline'"), "it went up")
            with self.subTest("the login outlives the daemon"):
                self.assertEqual(laptop.stop(), 0)
                self.assertFalse((laptop.data / "web-address").exists())
                self.assertIn("run", laptop.command("open", check=False).stderr)
                laptop.start("--web", f"127.0.0.1:{b.port}")
                until(lambda: (laptop.data / "web-address").exists(), "the pages are there again")
                again = Browser(b.port, host="127.0.0.1")
                again.cookies = b.cookies
                self.assertEqual(again.ask("GET", "/api/v1/session")[0], 200)

    def test_no_other_computer_may_see_the_pages(self):
        with World() as w:
            laptop = w.laptop("ben")
            done = laptop.command("run", "--web", f"0.0.0.0:{free_port()}", check=False)
            self.assertEqual(done.returncode, 3)
            self.assertIn("this computer alone", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
