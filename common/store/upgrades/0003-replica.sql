-- What cuts changed on this laptop, for its person to read; the oldest lines go.
CREATE TABLE fb_seen_change (
    seq    INTEGER PRIMARY KEY,
    rev    INTEGER NOT NULL, -- of the cut
    at_ms  INTEGER NOT NULL, -- when it was applied, by this laptop's clock
    entity INTEGER NOT NULL,
    row_id TEXT NOT NULL,
    old    TEXT              -- {"field": old value, ...}; NULL: the row is new here
) STRICT;
CREATE INDEX fb_seen_change_at ON fb_seen_change (at_ms);
