# SPDX-License-Identifier: MIT
"""A browser without a screen: what tests ask of the pages' API."""
import http.client
import json
import ssl

PASS = "a pass phrase of some length"


class Browser:
    """Keeps cookies and the page's token, over one connection."""

    def __init__(self, port, ca=None, host="localhost"):
        self.port, self.host, self.cookies, self.csrf = port, host, {}, ""
        if ca:
            context = ssl.create_default_context(cafile=str(ca))
            context.set_alpn_protocols(["http/1.1"])
            self.http = http.client.HTTPSConnection(host, port, context=context, timeout=60)
        else:
            self.http = http.client.HTTPConnection(host, port, timeout=60)

    def ask(self, method, path, body=None, headers=None):
        """(status, headers, body as JSON or text)"""
        more = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())} if self.cookies else {}
        if body is not None:
            more["Content-Type"] = "application/json"
            body = json.dumps(body)
        if method != "GET" and self.csrf:
            more["X-Fieldbook"] = self.csrf
        more.update(headers or {})
        more = {k: v for k, v in more.items() if v is not None}
        self.http.request(method, path, body, more)
        answer = self.http.getresponse()
        data = answer.read()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
            if "Max-Age=0" in cookie:
                del self.cookies[name]
        try:
            return answer.status, answer.headers, json.loads(data)
        except ValueError:
            return answer.status, answer.headers, data.decode()

    def login(self, login, password, **more):
        status, _, body = self.ask("POST", "/api/v1/session", {"login": login, "password": password, **more})
        if status == 200:
            self.csrf = body["csrf"]
        return status, body

    def must_login(self, login, password):
        """With a one-time password: logs in and chooses PASS."""
        status, body = self.login(login, password)
        assert status == 200 and body["must_change_password"], body
        status, _, body = self.ask("POST", "/api/v1/session/password", {"old": password, "new": PASS})
        assert status == 200 and not body["must_change_password"], body
        self.csrf = body["csrf"]
        return self
