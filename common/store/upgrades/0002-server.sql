-- Pulls ask by scope: what changed in a set, and what left it, since when; which pushes were a device's own.
CREATE INDEX fb_log_scope ON fb_log (scope_after);
CREATE INDEX fb_log_left ON fb_log (scope_before) WHERE scope_before IS NOT scope_after;
CREATE INDEX fb_rev_device ON fb_rev (device_id, rev) WHERE device_id IS NOT NULL;

-- Which sets of several scopes a scope is in; a set of one scope is found by its key.
CREATE TABLE fb_scope_part (
    key   TEXT NOT NULL,
    scope INTEGER NOT NULL, -- fb_scope.id
    PRIMARY KEY (key, scope)
) STRICT, WITHOUT ROWID;

INSERT INTO fb_scope_part (key, scope)
    WITH RECURSIVE part (scope, key, rest) AS (
        SELECT id, '', key || ',' FROM fb_scope WHERE instr(key, ',') > 0
        UNION ALL
        SELECT scope, substr(rest, 1, instr(rest, ',') - 1), substr(rest, instr(rest, ',') + 1) FROM part WHERE rest <> ''
    )
    SELECT DISTINCT key, scope FROM part WHERE key <> '';
