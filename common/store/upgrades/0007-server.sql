-- Pushes merged when a later life of their laptop sent them again, by the hash they had first: each counts once.
CREATE TABLE fb_replayed (
    hash BLOB PRIMARY KEY NOT NULL,
    rev  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
