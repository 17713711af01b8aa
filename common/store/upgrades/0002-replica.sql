-- Scopes that the download under way brings, as its first chunk said.
CREATE TABLE fb_stage_scope (
    key TEXT PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;
