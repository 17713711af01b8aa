#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Both daemons at work: changes travel by themselves in both directions, through a proxy, and across restarts."""
import select
import socket
import threading
import time
import unittest

from fieldbook import World, differences, until


class Proxy(threading.Thread):
    """A CONNECT proxy that can be told to say no, and a link that can be cut or frozen."""

    def __init__(self, refuse=None):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.refuse, self.connects, self.frozen, self.open = refuse, 0, False, []
        self.start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            more = client.recv(4096)
            if not more:
                return
            head += more
        self.connects += 1
        if self.refuse:
            client.sendall(self.refuse)
            client.close()
            return
        host, port = head.split()[1].decode().rsplit(":", 1)
        server = socket.create_connection((host.strip("[]"), int(port)))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.open += [client, server]
        while True:
            ready, _, _ = select.select([client, server], [], [], 0.2)
            for s in ready:
                if self.frozen:
                    time.sleep(0.1)
                    continue
                try:
                    data = s.recv(65536)
                    (server if s is client else client).sendall(data)
                except OSError:
                    data = b""
                if not data:
                    client.close()
                    server.close()
                    return

    def cut(self):
        for s in self.open:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.open.clear()

    def close(self):
        self.cut()
        self.listener.close()


def state(laptop):
    path = laptop.data / "state.json"
    return path.read_text() if path.exists() else ""



class Daemons(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.hq = self.world.hq

    def tearDown(self):
        failed = self._outcome.errors if hasattr(self._outcome, "errors") else []
        self.world.__exit__(Exception if failed and failed[-1][1] else None, None, None)

    def test_changes_travel_by_themselves_in_both_directions(self):
        ana, bob = self.world.laptop("ana"), self.world.laptop("bob")
        ana.start()
        bob.start()
        until(lambda: skill_table(ana) and skill_table(bob), "both hold the tables")
        self.hq.sql("INSERT INTO company (name, kind, status, owner_id) SELECT ?, 'prospect', 'active', id FROM employee LIMIT 1", "东华精密")
        for laptop in (ana, bob):
            until(lambda: laptop.rows("SELECT 1 FROM company WHERE name = '东华精密'"), "headquarters' row arrives", 5)
        ana.sql("UPDATE company SET website = ? WHERE name = '东华精密'", "https://a.example")
        until(lambda: self.hq.rows("SELECT 1 FROM company WHERE website = 'https://a.example'"), "ana's edit is at headquarters", 5)
        until(lambda: bob.rows("SELECT 1 FROM company WHERE website = 'https://a.example'"), "and on bob's laptop", 5)
        self.assertEqual(ana.stop(), 0)
        self.assertEqual(bob.stop(), 0)
        self.assertEqual(self.hq.stop(), 0)
        self.assertEqual(differences(self.hq, ana), [])
        self.assertEqual(differences(self.hq, bob), [])

    def test_what_was_written_while_nothing_ran_is_not_forgotten(self):
        ana = self.world.laptop("ana")
        ana.sync()
        self.hq.stop()
        ana.shell("INSERT INTO company (name, kind, status, owner_id) SELECT 'While down', 'prospect', 'active', id FROM employee LIMIT 1;")
        self.hq.shell("UPDATE employee SET nickname = 'Nana' WHERE user_name = 'ana';")
        self.hq.start()
        ana.start()
        until(lambda: self.hq.rows("SELECT 1 FROM company WHERE name = 'While down'"), "the laptop's row")
        until(lambda: ana.rows("SELECT 1 FROM employee WHERE nickname = 'Nana'"), "headquarters' edit")
        ana.stop()

    def test_a_laptop_finds_back_when_headquarters_was_away(self):
        ana = self.world.laptop("ana")
        ana.sync()
        ana.start()
        until(lambda: '"connected"' in state(ana), "connected")
        self.hq.kill()
        until(lambda: '"offline"' in state(ana), "offline")
        ana.sql("INSERT INTO company (name, kind, status, owner_id) SELECT ?, 'prospect', 'active', id FROM employee LIMIT 1", "Offline Ltd")
        self.hq.start()
        until(lambda: self.hq.rows("SELECT 1 FROM company WHERE name = 'Offline Ltd'"), "the offline edit", 30)
        self.assertEqual(ana.stop(), 0)

    def test_through_a_proxy_from_the_configuration_and_its_refusal(self):
        proxy = Proxy()
        ana = self.world.laptop("ana")
        (ana.data / "replica.conf").write_text(f"[network]\nproxy = 127.0.0.1:{proxy.port}\n")
        ana.sync()
        self.assertGreaterEqual(proxy.connects, 1)
        proxy.close()
        strict = Proxy(refuse=b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        (ana.data / "replica.conf").write_text(f"[network]\nproxy = 127.0.0.1:{strict.port}\n")
        done = ana.sync(check=False)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("user name and password", done.stderr)
        strict.close()

    def test_a_cut_link_is_taken_up_again(self):
        proxy = Proxy()
        ana = self.world.laptop("ana")
        (ana.data / "replica.conf").write_text(f"[network]\nproxy = 127.0.0.1:{proxy.port}\n")
        ana.sync()
        ana.start()
        until(lambda: '"connected"' in state(ana), "connected")
        for turn in range(4):
            proxy.cut()
            ana.sql("INSERT INTO company (name, kind, status, owner_id) SELECT ?, 'prospect', 'active', id FROM employee LIMIT 1", f"Turn {turn}")
            until(lambda: self.hq.rows("SELECT 1 FROM company WHERE name = ?", f"Turn {turn}"), f"turn {turn}", 40)
        self.assertEqual(self.hq.rows("SELECT count(*) FROM company WHERE name LIKE 'Turn %'")[0][0], 4)
        ana.stop()
        proxy.close()


def skill_table(node):
    return node.rows("SELECT 1 FROM sqlite_schema WHERE name = 'skill'")


if __name__ == "__main__":
    unittest.main(verbosity=1)
