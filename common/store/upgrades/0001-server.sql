-- Headquarters only: history, who may sync, and what was seen.

-- One history of this server; restoring a backup starts a new one.
CREATE TABLE fb_timeline (
    id            TEXT PRIMARY KEY NOT NULL,
    parent        TEXT,             -- NULL: the first
    forked_at_rev INTEGER NOT NULL,
    started_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One server transaction each.
CREATE TABLE fb_rev (
    rev         INTEGER PRIMARY KEY,
    at_ms       INTEGER NOT NULL,
    first_seq   INTEGER NOT NULL, -- its first entry in fb_log; the next rev's first_seq ends it
    employee_id TEXT,             -- who: the device's person; NULL: a tool at headquarters
    device_id   TEXT,
    incarnation INTEGER,
    push        INTEGER,
    hash        BLOB NOT NULL     -- SHA-256 of the previous rev's hash and of this rev's entries: the audit chain
) STRICT;

CREATE INDEX fb_rev_first_seq ON fb_rev (first_seq); -- whose entry is it?

-- The history: append only, the audit trail, and who to send what since when.
CREATE TABLE fb_log (
    seq          INTEGER PRIMARY KEY,
    op           INTEGER NOT NULL, -- 0 named by a push (answer it), 1 insert, 2 update, 3 delete, 4 restored, 5 refused act, 6 scope changed
    entity       INTEGER NOT NULL,
    row_id       BLOB NOT NULL,    -- 16 bytes
    scope_before INTEGER,          -- fb_scope.id the row belonged to before; NULL: the row was not there
    scope_after  INTEGER,          -- ... and belongs to now; NULL: the row is gone
    cause        INTEGER,          -- op 3: seq of the topmost delete it went with; op 4: seq of the delete undone
    at_ms        INTEGER,          -- when edited (corrected); NULL: as the rev
    changes      TEXT              -- op 2: {"field":[old,new],...}; op 3: the last row as JSON; op 1: NULL, later entries tell
) STRICT;
CREATE INDEX fb_log_row ON fb_log (row_id);

-- Sets of scopes that rows belong to, as "company:ID" or "employee:ID,employee:ID", sorted.
CREATE TABLE fb_scope (
    id  INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE
) STRICT;

-- Sum of the row hashes of each scope set, kept row by row.
CREATE TABLE fb_digest (
    scope INTEGER PRIMARY KEY,
    rows  INTEGER NOT NULL,
    low   INTEGER NOT NULL,
    high  INTEGER NOT NULL
) STRICT;

-- The recycle bin.
CREATE TABLE fb_bin (
    entity INTEGER NOT NULL,
    row_id TEXT NOT NULL,
    cause  INTEGER NOT NULL, -- fb_log.seq of the topmost delete it went with
    image  TEXT NOT NULL,    -- the last row as JSON, by field name, stamps included
    PRIMARY KEY (entity, row_id)
) STRICT, WITHOUT ROWID;

-- Steps of sums that were counted: each counts once.
CREATE TABLE fb_step (
    id  BLOB PRIMARY KEY NOT NULL,
    rev INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One life of a device's chain of pushes.
CREATE TABLE fb_incarnation (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    device_id    TEXT NOT NULL,
    issued_at_ms INTEGER NOT NULL,
    superseded_by INTEGER
) STRICT;

-- Pushes that were merged, by number and hash.
CREATE TABLE fb_seen (
    incarnation INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    hash        BLOB NOT NULL,
    rev         INTEGER NOT NULL,
    at_ms       INTEGER NOT NULL,
    PRIMARY KEY (incarnation, number)
) STRICT, WITHOUT ROWID;

-- Parts of pushes that are not whole yet.
CREATE TABLE fb_staged_part (
    incarnation INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    part        INTEGER NOT NULL,
    bytes       BLOB NOT NULL,
    PRIMARY KEY (incarnation, number, part)
) STRICT;

-- Logins. Passwords as argon2id PHC strings.
CREATE TABLE fb_user (
    employee_id   TEXT PRIMARY KEY NOT NULL,
    login         TEXT NOT NULL UNIQUE,
    password      TEXT NOT NULL,
    must_change   INTEGER NOT NULL DEFAULT 0,
    created_at_ms INTEGER NOT NULL
) STRICT;

-- Enrolment codes: one use, short life, stored as hashes.
CREATE TABLE fb_invite (
    code_hash     BLOB PRIMARY KEY NOT NULL, -- SHA-256
    employee_id   TEXT NOT NULL,
    device_name   TEXT,
    expires_at_ms INTEGER NOT NULL,
    used_at_ms    INTEGER
) STRICT;

-- Certificates issued to devices; the device's row decides, the certificate only says who it is.
CREATE TABLE fb_certificate (
    fingerprint  BLOB PRIMARY KEY NOT NULL, -- SHA-256 of the DER form
    device_id    TEXT NOT NULL,
    serial       TEXT NOT NULL,
    issued_at_ms INTEGER NOT NULL,
    not_after_ms INTEGER NOT NULL
) STRICT;
