-- Entries of the log that are older than the horizon, packed (common/store/history_pack.h). Each segment is a run of consecutive
-- entries; fb_rev stays as it is, so who, when and the audit chain are where they were.
CREATE TABLE fb_log_segment (
    no           INTEGER PRIMARY KEY,
    first_seq    INTEGER NOT NULL,
    last_seq     INTEGER NOT NULL,
    packed_at_ms INTEGER NOT NULL,
    raw_size     INTEGER NOT NULL, -- of the entries, in the form that the audit chain hashes
    hash         BLOB NOT NULL,    -- SHA-256 of the segment before, these numbers and bytes
    bytes        BLOB NOT NULL     -- one zstd frame
) STRICT;

-- In which segments a row is named.
CREATE TABLE fb_log_packed (
    row_id  BLOB NOT NULL,    -- 16 bytes
    segment INTEGER NOT NULL, -- fb_log_segment.no
    PRIMARY KEY (row_id, segment)
) STRICT, WITHOUT ROWID;
