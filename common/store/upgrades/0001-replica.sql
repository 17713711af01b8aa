-- Laptops only: what waits to be sent, what is being received.

-- Frozen pushes: never changed, sent until seen, kept 30 days after that. What they name is read from their parts.
CREATE TABLE fb_push (
    number      INTEGER PRIMARY KEY,
    incarnation INTEGER NOT NULL, -- 0: none was issued yet
    timeline    TEXT NOT NULL,
    prev_hash   BLOB NOT NULL,    -- of the push before; 32 zero bytes for the first
    hash        BLOB NOT NULL,    -- SHA-256 of prev_hash and of all parts
    parts       INTEGER NOT NULL,
    changes     INTEGER NOT NULL,
    made_at_ms  INTEGER NOT NULL,
    acked_at_ms INTEGER,          -- NULL: pending
    covered_rev INTEGER           -- the cut that answered it; NULL: its rows are open
) STRICT;

-- A laptop keeps thousands of answered pushes; asked for are the few others.
CREATE INDEX fb_push_pending ON fb_push (number) WHERE acked_at_ms IS NULL;
CREATE INDEX fb_push_open ON fb_push (number) WHERE covered_rev IS NULL;

-- Bodies, in parts that are each a compressed message of their own.
CREATE TABLE fb_push_part (
    number INTEGER NOT NULL,
    part   INTEGER NOT NULL, -- from 0
    bytes  BLOB NOT NULL,
    PRIMARY KEY (number, part)
) STRICT;

-- Chunks of a first download or of an entering scope, compressed as they came, each with the rev it was read at.
CREATE TABLE fb_stage (
    seq      INTEGER PRIMARY KEY,
    rev      INTEGER NOT NULL,
    rows     INTEGER NOT NULL,
    bytes    BLOB NOT NULL,
    position BLOB NOT NULL   -- where the server goes on after this chunk; opaque
) STRICT;

-- Frames of a cut that is coming and is too large to wait in memory; gone when it is applied or the link is cut.
CREATE TABLE fb_cut_frames (
    seq   INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

-- Scopes held, as the last cut said.
CREATE TABLE fb_scope_held (
    key TEXT PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;
