-- What headquarters knows of a laptop's life beside its row, which travels and is edited by people: nothing here has a rev.
CREATE TABLE fb_device_life (
    device_id             TEXT PRIMARY KEY NOT NULL,
    lease_secret          BLOB,             -- 32 bytes, what unlock codes are made of; NULL: never asked for since this upgrade
    hello_at_ms           INTEGER,          -- when it last said hello
    app_version           TEXT,             -- of its program, then
    unsent                INTEGER,          -- edits that waited there, as it last said; 0 once it was in step
    cut_at_ms             INTEGER,          -- when it last got a whole cut
    cut_rev               INTEGER,          -- of which rev
    wipe_ordered_at_ms    INTEGER,
    wipe_takes_unsent     INTEGER NOT NULL DEFAULT 1, -- it hands in what waits there first
    wiped_at_ms           INTEGER,          -- when it said that it is done
    wiped_unsent          INTEGER,          -- edits that were lost with it
    suspended_with_person INTEGER NOT NULL DEFAULT 0 -- comes back when its person does
) STRICT, WITHOUT ROWID;

-- Wrong tries of a code count against it: the first bytes of its secret say which code is meant.
ALTER TABLE fb_invite ADD COLUMN selector BLOB;
ALTER TABLE fb_invite ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
CREATE INDEX fb_invite_selector ON fb_invite (selector);

-- A person who is suspended cannot log in, and none of his laptops syncs.
ALTER TABLE fb_user ADD COLUMN suspended_at_ms INTEGER;
