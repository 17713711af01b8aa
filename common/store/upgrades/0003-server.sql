-- Logins in the browser.

-- A stay of a person in the pages. Ended by its age, by logging out, and as soon as its stamp is no longer that of the
-- person: another password, other roles, no longer employed.
CREATE TABLE fb_login (
    token_hash  BLOB PRIMARY KEY NOT NULL, -- SHA-256 of the cookie
    employee_id TEXT NOT NULL,
    csrf        TEXT NOT NULL,             -- what X-Fieldbook must be
    stamp       BLOB NOT NULL,             -- SHA-256 of password, roles and state when it began
    made_at_ms  INTEGER NOT NULL,
    used_at_ms  INTEGER NOT NULL           -- to a minute
) STRICT, WITHOUT ROWID;
CREATE INDEX fb_login_employee ON fb_login (employee_id);

-- Second factors: time-based one-time passwords (RFC 6238).
CREATE TABLE fb_totp (
    employee_id TEXT PRIMARY KEY NOT NULL,
    secret      BLOB NOT NULL,             -- 20 bytes
    is_in_force INTEGER NOT NULL,          -- 0: shown, not confirmed by a first code yet
    last_step   INTEGER NOT NULL           -- a code counts once
) STRICT, WITHOUT ROWID;
