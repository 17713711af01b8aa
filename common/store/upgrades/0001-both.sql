-- Tables of every node. Ours begin with fb_; the entities' tables are made from the catalogue.

-- Small facts by name: node_kind, timeline, number_prefix, device_id, incarnation, cursor, ...
CREATE TABLE fb_meta (
    key   TEXT PRIMARY KEY NOT NULL,
    value ANY
) STRICT, WITHOUT ROWID;

-- Catalogue documents; the newest version is in force, older ones explain older log entries.
CREATE TABLE fb_catalogue (
    version  INTEGER PRIMARY KEY,
    hash     BLOB NOT NULL, -- SHA-256 of document
    document TEXT NOT NULL, -- JSON
    at_ms    INTEGER NOT NULL
) STRICT;

-- What this node's people and tools changed since the last freeze (replica) or seal (headquarters).
-- Written by the triggers of the entities' tables; law 3.
CREATE TABLE fb_journal (
    seq    INTEGER PRIMARY KEY,
    op     INTEGER NOT NULL, -- 0 the cursor moved, 1 insert, 2 one field updated, 3 delete, 4 old image: an insert met the id
    entity INTEGER NOT NULL, -- the entity's number
    row_id TEXT NOT NULL,
    field  INTEGER,          -- op 2: the field's number
    old    ANY,              -- op 0: the cursor from here on; op 2: old value; op 3, 4: old row as JSON by field name
    at_ms  INTEGER NOT NULL, -- wall clock of the writer
    step   BLOB              -- sum fields: the step's random id, 8 bytes
) STRICT;

-- The next number that people read (order, quote) of each entity on this node; the prefix is in fb_meta.
CREATE TABLE fb_number (
    entity INTEGER PRIMARY KEY,
    next   INTEGER NOT NULL
) STRICT;

-- What a row here points to but is not here: so that forms, lookups and joins do not break. People may join it.
CREATE TABLE reference (
    entity TEXT NOT NULL,
    id     TEXT NOT NULL,
    title  TEXT NOT NULL,
    PRIMARY KEY (entity, id)
) STRICT, WITHOUT ROWID;
