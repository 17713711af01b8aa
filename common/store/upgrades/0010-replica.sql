-- Behind the horizon of headquarters' log: scopes whose digests agree, and the rows here that belong to them. They are not fetched again.
CREATE TABLE fb_stage_same_scope (
    key TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE TABLE fb_stage_same_rows (
    seq INTEGER PRIMARY KEY,
    entity INTEGER NOT NULL, -- its number in the catalogue
    ids BLOB NOT NULL        -- 16 bytes each
) STRICT;
