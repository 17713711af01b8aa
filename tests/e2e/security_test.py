#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who is not let in, and how that reads: wrong, missing, foreign and revoked certificates, old TLS, noise."""
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import time
import unittest

from fieldbook import Headquarters, World, run, until

REFUSED = 5


class Security(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.world.__enter__()
        cls.hq = cls.world.hq
        cls.ana = cls.world.laptop("ana")
        cls.ana.sync()

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def context(self, cert=None, key=None, version=ssl.TLSVersion.TLSv1_3, alpn=("fieldbook/1",)):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        c.load_verify_locations(self.ana.data / "authority.pem")
        c.minimum_version = c.maximum_version = version
        if alpn:
            c.set_alpn_protocols(list(alpn))
        if cert:
            c.load_cert_chain(cert, key)
        return c

    def talk(self, context):
        """Connects and tries to read; what the server did as an exception, or b'' for a silent end."""
        with socket.create_connection(("127.0.0.1", self.hq.port), timeout=15) as raw:
            with context.wrap_socket(raw, server_hostname="localhost") as tls:
                tls.settimeout(15)
                tls.send(b"\0\0\0\0\0\0")
                return tls.recv(100)

    def refused(self, context):
        try:
            self.assertEqual(self.talk(context), b"")
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
            pass

    def log_has(self, *words, since=0):
        text = self.hq.log.read_text()[since:]
        return any(all(w in line for w in words) for line in text.splitlines())

    def expect_log(self, *words, since):
        until(lambda: self.log_has(*words, since=since), f"the log says {words}", 10)

    def test_no_certificate(self):
        since = len(self.hq.log.read_text())
        self.refused(self.context())
        self.expect_log("connection_refused", "certificate", since=since)

    def test_certificate_of_another_authority(self):
        other = Headquarters(self.world.folder / "other-hq")
        other.start()
        try:
            other.add_user("eve", "Eve")
            data = self.world.folder / "eve"
            run("fieldbook-replica", "enrol", "--server", other.address, "--code", other.invite("eve"), "--data", data)
        finally:
            other.stop()
        since = len(self.hq.log.read_text())
        self.refused(self.context(data / "certificate.pem", data / "key.pem"))
        self.expect_log("connection_refused", since=since)
        # And from the product's own laptop: it does not trust this server either.
        done = run("fieldbook-replica", "sync", "--data", data, "--server", self.hq.address, check=False)
        self.assertEqual(done.returncode, REFUSED, done.stderr)
        self.assertIn("certificate", done.stderr)

    def test_server_certificate_shown_as_a_device(self):
        since = len(self.hq.log.read_text())
        self.refused(self.context(self.hq.data / "tls/server.pem", self.hq.data / "tls/server.key"))
        self.expect_log("refused", since=since)

    def test_self_signed_certificate(self):
        folder = self.world.folder / "self"
        folder.mkdir()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=x", "-addext", "subjectAltName=URI:urn:fieldbook:device:0191e0a0-0000-7000-8000-000000000000",
                        "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
        self.refused(self.context(folder / "cert.pem", folder / "key.pem"))

    def test_tls_1_2_is_too_old(self):
        with self.assertRaises((ssl.SSLError, ConnectionResetError)):
            self.talk(self.context(self.ana.data / "certificate.pem", self.ana.data / "key.pem", ssl.TLSVersion.TLSv1_2))

    def test_no_protocol_name(self):
        with self.assertRaises((ssl.SSLError, ConnectionResetError, BrokenPipeError)):
            if self.talk(self.context(self.ana.data / "certificate.pem", self.ana.data / "key.pem", alpn=())) == b"":
                raise ConnectionResetError

    def test_noise_and_web_browsers_on_the_port(self):
        for noise in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", os.urandom(4000), b"\x16\x03\x01\xff\xff" + b"\0" * 300):
            with socket.create_connection(("127.0.0.1", self.hq.port), timeout=15) as raw:
                raw.sendall(noise)
                raw.settimeout(15)
                try:
                    while raw.recv(4096):
                        pass
                except ConnectionResetError:
                    pass
        self.ana.sync()

    def test_a_frame_that_claims_four_gigabytes(self):
        context = self.context(self.ana.data / "certificate.pem", self.ana.data / "key.pem")
        with socket.create_connection(("127.0.0.1", self.hq.port), timeout=15) as raw:
            with context.wrap_socket(raw, server_hostname="localhost") as tls:
                tls.settimeout(15)
                tls.sendall(b"\xff\xff\xff\xff\x01\x00" + b"x" * 100)
                end = time.monotonic() + 12
                try:
                    while tls.recv(4096):
                        self.assertLess(time.monotonic(), end)
                except (ssl.SSLError, ConnectionResetError):
                    pass
        self.ana.sync()

    def test_a_device_certificate_whose_row_is_gone(self):
        bob = self.world.laptop("bob")
        bob.sync()
        self.hq.sql("DELETE FROM device WHERE name = ?", "bob")
        until(lambda: bob.sync(check=False).returncode == REFUSED, "the laptop without a row is refused", 10)

    def test_a_revoked_laptop_is_out_within_a_second_even_while_connected(self):
        carl = self.world.laptop("carl")
        carl.start()
        state = lambda: (carl.data / "state.json").read_text() if (carl.data / "state.json").exists() else ""
        until(lambda: '"connected"' in state(), "carl is connected")
        started = time.monotonic()
        self.hq.command("device", "revoke", "carl")
        until(lambda: '"refused"' in state(), "carl is out")
        print(f"  revoked, command included, in {time.monotonic() - started:.2f} s")
        carl.stop()
        done = carl.sync(check=False)
        self.assertEqual(done.returncode, REFUSED, done.stderr)
        self.assertIn("revoked", done.stderr)
        done = self.hq.command("device", "resume", "carl", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("enrol anew", done.stderr)

    def test_a_suspended_laptop_comes_back_when_resumed(self):
        dora = self.world.laptop("dora")
        dora.sync()
        self.hq.command("device", "suspend", "dora")
        self.assertEqual(dora.sync(check=False).returncode, REFUSED)
        self.hq.command("device", "resume", "dora")
        dora.sync()


if __name__ == "__main__":
    unittest.main(verbosity=1)
