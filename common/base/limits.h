/* SPDX-License-Identifier: MIT
 *
 * Every limit that a peer, a file or a person can reach, with its reason. Sizes from outside are
 * compared with these before anything is allocated.
 */
#ifndef FB_BASE_LIMITS_H
#define FB_BASE_LIMITS_H

/* Frames. Before the certificate is known a peer may cost us little; after it a frame holds a few
 * hundred rows, which is where zstd stops gaining. */
#define FB_FRAME_BYTES_BEFORE_AUTH_MAX 16384   /* 16 KiB */
#define FB_FRAME_BYTES_MAX             1048576 /* 1 MiB */
/* One decompressed message; and a ratio no honest batch of rows reaches. */
#define FB_MESSAGE_BYTES_MAX     8388608 /* 8 MiB */
#define FB_COMPRESSION_RATIO_MAX 100
/* Up to this size no ratio is asked: a hundred equal rows may well shrink 200 times. */
#define FB_COMPRESSION_FREE_BYTES 65536 /* 64 KiB */
/* protobuf-c uses up to 72 times its input: the pre-scan counts before it may run. */
#define FB_WIRE_DEPTH_MAX        8
#define FB_WIRE_FIELDS_MAX       20000
#define FB_WIRE_FIELD_NUMBER_MAX 64
#define FB_UNPACK_ARENA_FACTOR   8
#define FB_UNPACK_ARENA_FLOOR    65536 /* 64 KiB */
/* For the struct of a message, which its two bytes on the wire do not pay; the fields are counted. */
#define FB_UNPACK_FIELD_BYTES 256
/* Beyond the body itself: with a body of 8 MiB a factor of 8 would be more than a peer may cost. */
#define FB_UNPACK_ARENA_EXTRA_MAX 4194304 /* 4 MiB */
/* What a message may become in memory: columns hold a value in less than a bit. */
#define FB_REMOVES_MAX       10000
#define FB_SCOPES_MAX        16000
#define FB_REFERENCES_MAX    5000 /* two fields each */
#define FB_SCOPE_DIGESTS_MAX 3000 /* six fields each: FB_WIRE_FIELDS_MAX */
#define FB_PART_CHANGES_MAX  8192
#define FB_PART_FIELDS_MAX   65536
#define FB_PART_STEPS_MAX    65536
#define FB_OLD_VALUES_MAX    65536
/* Small texts of messages: names, versions, scopes, codes; sentences and PEM get more. */
#define FB_MESSAGE_TEXT_BYTES_MAX 256
#define FB_MESSAGE_LONG_BYTES_MAX 16384 /* 16 KiB */
/* A part of a push and a batch of rows aim at these raw sizes; one value may be larger. */
#ifdef FB_PLANTED /* the simulator makes them tiny, so that small data travels in many pieces */
extern int fb_limit_push_part_bytes_aim;
extern int fb_limit_row_batch_bytes_aim;
extern int fb_limit_chunk_rows;
extern int fb_limit_log_span_whole;
/* Entries of the log: so many are read faster in a row than by the index of each scope. */
#define FB_LOG_SPAN_WHOLE fb_limit_log_span_whole
/* Entries of the log that are packed into one segment, in one transaction. */
extern int fb_limit_log_segment_entries;
#define FB_LOG_SEGMENT_ENTRIES fb_limit_log_segment_entries
/* The history limit moves on once a day, by so many records in one transaction. */
extern int fb_limit_history_step_rows;
extern int fb_limit_history_day_ms;
#define FB_HISTORY_STEP_ROWS   fb_limit_history_step_rows
#define FB_HISTORY_DAY_MS      fb_limit_history_day_ms
#define FB_CHUNK_ROWS          fb_limit_chunk_rows /* rows in one chunk of a first download */
#define FB_PUSH_PART_BYTES_AIM fb_limit_push_part_bytes_aim
#define FB_ROW_BATCH_BYTES_AIM fb_limit_row_batch_bytes_aim
#else
#define FB_CHUNK_ROWS          2000
#define FB_LOG_SPAN_WHOLE      64
#define FB_LOG_SEGMENT_ENTRIES 2000
#define FB_HISTORY_STEP_ROWS   2000
#define FB_HISTORY_DAY_MS      86400000
#define FB_PUSH_PART_BYTES_AIM 262144 /* 256 KiB */
#define FB_ROW_BATCH_BYTES_AIM 262144 /* 256 KiB */
#endif
#define FB_ROW_BATCH_ROWS_MAX 1000
/* Parts of one push: 4,096 parts of 256 KiB are 1 GiB of edits, more than a laptop makes in a year.
 */
#define FB_PUSH_PARTS_MAX 4096
/* One value: SQLITE_LIMIT_LENGTH is set to 16 MiB; a value must fit a frame after compression
 * fails. */
#define FB_VALUE_BYTES_MAX 524288 /* 512 KiB */
/* Unread output of a connection: above it nothing more is produced until the peer has read. */
#define FB_OUTPUT_BYTES_HIGH 1048576 /* 1 MiB */

/* Frames of a cut wait in memory, compressed, until it is whole; beyond this they wait on disk. */
#ifdef FB_PLANTED
extern int fb_limit_cut_memory_bytes_max;
#define FB_CUT_MEMORY_BYTES_MAX fb_limit_cut_memory_bytes_max
#else
#define FB_CUT_MEMORY_BYTES_MAX 4194304 /* 4 MiB */
#endif
/* What headquarters speaks, what a laptop does (another program, often of another release), and the oldest that may pull: two releases
 * back. Older and newer ones hand in what they hold, until one of the two programs is updated. */
#ifdef FB_PLANTED
extern unsigned fb_limit_protocol_version;
extern unsigned fb_limit_protocol_of_laptop;
extern unsigned fb_limit_protocol_pulls_min;
#define FB_PROTOCOL_VERSION   fb_limit_protocol_version
#define FB_PROTOCOL_OF_LAPTOP fb_limit_protocol_of_laptop
#define FB_PROTOCOL_PULLS_MIN fb_limit_protocol_pulls_min
#else
#define FB_PROTOCOL_VERSION   1U
#define FB_PROTOCOL_OF_LAPTOP FB_PROTOCOL_VERSION
#define FB_PROTOCOL_PULLS_MIN 1U
#endif
/* One chunk of a first download: what a cut link costs at most. */
#define FB_CHUNK_BYTES_MAX 4194304 /* 4 MiB */
/* A first download drops the secondary indexes and builds them at its end from so many rows on; below, doing that for some 400 indexes
 * of the shipped catalogue costs more than it saves. */
#define FB_BULK_ROWS_MIN 10000
/* Rows written lately that are remembered for the search file, 200 KB; beyond that it looks through the tables once. */
#define FB_RECENT_ROWS_MAX 5000
/* An empty cut moves the cursor in memory only, until it is this many revs ahead of the one on disk. */
#define FB_CURSOR_LAG_REVS_MAX 1000
/* Digests by scope, compressed, while their cut is awaited: some 300,000 companies. */
#define FB_SCOPE_DIGESTS_BYTES_MAX 16777216 /* 16 MiB */
/* Scopes that differ, repaired at once; more follow with the next digest. */
#define FB_REPAIR_SCOPES_MAX 500
/* Repairs by scope that did not help, before everything is fetched anew. */
#define FB_REPAIRS_MAX 3
/* A segment of the log ends where its entries reach the first size; one entry may be larger. The second is what a reader allocates. */
#define FB_LOG_SEGMENT_BYTES_AIM 1048576  /* 1 MiB */
#define FB_LOG_SEGMENT_BYTES_MAX 67108864 /* 64 MiB */
/* How far back the log must tell what changed: further than anything that may be taken back. */
#define FB_HORIZON_MS_MIN (FB_RULING_UNDO_DAYS * INT64_C(86400000))
/* A round carried by file, each way: it is sealed in memory, a few times over. More than that needs a connection. */
#define FB_CARRIED_BYTES_MAX 67108864 /* 64 MiB */
#define FB_SEALED_BYTES_MAX                                                                        \
    (FB_CARRIED_BYTES_MAX + 65536) /* its certificates, signature and keys */
/* Restores of a backup that a peer remembers: one a week for a year and a bit. */
#define FB_TIMELINES_MAX 64
/* How long a frozen push is kept after it was acknowledged: the server may be restored from a backup. */
#define FB_PUSH_KEEP_MS    (INT64_C(30) * 24 * 3600 * 1000)
#define FB_EXPIRE_EVERY_MS (INT64_C(24) * 3600 * 1000)

/* An expired device certificate may still be renewed for so long, if its device is known and active; then the person enrols anew. */
#define FB_RENEW_EXPIRED_MS_MAX (INT64_C(180) * 24 * 3600 * 1000)

/* The lease: a laptop that has not heard of headquarters for so long locks itself (`devices.lease`); it warns beforehand. A
 * code read over the telephone gives it a week; five wrong codes, and none is looked at for an hour. */
#define FB_LEASE_MS         (INT64_C(14) * 24 * 3600 * 1000)
#define FB_LEASE_WARN_DAYS  7
#define FB_LEASE_LAST_DAYS  2
#define FB_LEASE_UNLOCK_MS  (INT64_C(7) * 24 * 3600 * 1000)
#define FB_UNLOCK_TRIES_MAX 5
#define FB_UNLOCK_WAIT_MS   (INT64_C(3600) * 1000)
/* While connected the lease is renewed so often at least; the file is written no more often than that. */
#define FB_LEASE_NOTE_MS (INT64_C(3600) * 1000)

/* Wrong tries of one enrolment code before it is dead: people mistype what its checksum lets through twice at most. */
#define FB_INVITE_TRIES_MAX 5
/* How often a laptop that waits for approval asks. */
#define FB_APPROVAL_ASK_MS 2000

/* Catalogue. */
#define FB_CATALOGUE_BYTES_MAX 4194304 /* 4 MiB */
#define FB_ENTITIES_MAX        400 /* 66 main entities with 67 parts, and room for custom ones */
#define FB_FIELDS_MAX          180 /* SQLITE_LIMIT_COLUMN is 200; five are ours */
#define FB_CHOICES_MAX         200
#define FB_NAME_BYTES_MAX      63
#define FB_SET_VALUES_MAX      1000
#define FB_STEPS_MAX           500 /* allowed steps of one state field */
#define FB_LABEL_BYTES_MAX     200
#define FB_MODULES_MAX         40 /* more than fit on the left of a page */
/* What a page has room for: columns of a list, fields beside a title and in a quick form, headings. */
#define FB_LAYOUT_COLUMNS_MAX  16
#define FB_LAYOUT_HEADER_MAX   8
#define FB_LAYOUT_QUICK_MAX    6
#define FB_LAYOUT_SECTIONS_MAX 24

/* Search. What is read of a row, like a long note; what a person types; what a page shows. Of more
 * candidates than these the newest are ranked: 2,000 take about 3 ms. */
#define FB_SEARCH_BODY_BYTES_MAX 32768   /* 32 KiB */
#define FB_SEARCH_TEXT_BYTES_MAX 1048576 /* what becomes of a row: pairs take four times its text */
#define FB_SEARCH_ASK_BYTES_MAX  400
#define FB_SEARCH_HITS_MAX       200
#define FB_SEARCH_CANDIDATES_MAX 2000

/* Times of a connection. */
#define FB_HANDSHAKE_MS_MAX   10000
#define FB_FIRST_FRAME_MS_MAX 10000
#define FB_FRAME_MS_MAX       60000
#define FB_PING_MS            10000
#define FB_DEAD_MS            30000
#define FB_BACKOFF_MS_MIN     500
#define FB_BACKOFF_MS_MAX     60000

/* Connections. A stranger is a connection in its handshake, or an open one that showed no device
 * certificate and has not logged in. A name, all its addresses and a proxy get CONNECT_MS together;
 * farewells CLOSE_MS, so that SIGTERM ends in 5 s. */
#define FB_STRANGERS_PER_ADDRESS_MAX 20
#define FB_STRANGERS_MAX             512
#define FB_STRANGER_DAWDLE_MS        3000
#define FB_LISTEN_BACKLOG                                                                          \
    4096 /* a fleet that returns at once; the kernel cuts it to its own limit */
#define FB_CONNECT_MS_MAX    20000
#define FB_STALL_MS          60000
#define FB_CLOSE_MS_MAX      3000
#define FB_KEEPALIVE_IDLE_S  20
#define FB_KEEPALIVE_EVERY_S 5
#define FB_KEEPALIVE_PROBES  4
/* Unsent output: one frame may start while it is just below FB_OUTPUT_BYTES_HIGH, and is whole. */
#define FB_STREAM_OUTPUT_BYTES_MAX (FB_OUTPUT_BYTES_HIGH + FB_FRAME_BYTES_MAX + 1024)
#define FB_PROXY_ANSWER_BYTES_MAX  8192
/* Certificates and keys as PEM; our longest chain has three certificates of 1 KiB. */
#define FB_PEM_BYTES_MAX       65536 /* 64 KiB */
#define FB_CERT_LIST_BYTES_MAX 16384 /* 16 KiB */
/* All a peer may send before the handshake is done: ours take 3 KiB; OpenSSL alone would hold a ClientHello of 128. */
#define FB_HANDSHAKE_BYTES_MAX 32768 /* 32 KiB */

/* Import. A cell is a value at most; a line of 200 such cells is a quote that nobody closed. A mapping is
 * written by a person. Keys kept in memory: 2 million of 40 bytes are 160 MB. */
#define FB_CSV_CELLS_MAX           1000
#define FB_CSV_RECORD_BYTES_MAX    4194304 /* 4 MiB */
#define FB_MAPPING_BYTES_MAX       1048576 /* 1 MiB */
#define FB_MAPPING_RULES_MAX       32
#define FB_MAPPING_DEPTH_MAX       8
#define FB_IMPORT_BATCH_LINES      2000
#define FB_IMPORT_KEYS_MAX         2000000
#define FB_IMPORT_REJECTS_TOLD_MAX 1000

/* HTTP. Browsers send a dozen headers in 1 KiB; our longest filter is a few hundred bytes of query. A body of JSON is a
 * form; larger ones (files) have a limit per route and go to disk. An answer waits in memory until it was read. */
#define FB_HTTP_HEADER_BYTES_MAX 16384 /* 16 KiB: request line and headers */
#define FB_HTTP_HEADERS_MAX      64
#define FB_HTTP_SEGMENTS_MAX     8
#define FB_HTTP_QUERY_MAX        32
#define FB_HTTP_BODY_BYTES_MAX   1048576  /* 1 MiB */
#define FB_HTTP_ANSWER_BYTES_MAX 16777216 /* 16 MiB */
#define FB_HTTP_ARENA_BYTES_MAX  33554432 /* 32 MiB: what a handler may use for one request */
#define FB_HTTP_AHEAD_BYTES_MAX                                                                    \
    262144 /* 256 KiB: pipelined, or a read of the socket while a request is worked on */
#define FB_HTTP_EVENT_BYTES_MAX                                                                    \
    1048576 /* 1 MiB of events that a page has not read: it then starts anew */
#define FB_HTTP_HEAD_MS_MAX 10000 /* from the first byte of a request to the end of its headers */
#define FB_HTTP_BODY_MS_MAX 60000 /* without a byte of an awaited body */
#define FB_HTTP_IDLE_MS_MAX 60000 /* between requests */
/* Browsers open six connections; behind one address of an office stand hundreds of people. */
#define FB_HTTP_CONNECTIONS_MAX 4096
#define FB_HTTP_PER_ADDRESS_MAX 1024
/* Record API. A question may cost this many steps of SQLite's machine, ten or so for each row it looks at: some 300,000
 * rows, 50 ms; 50,000 contacts can be searched without an index, a million rows cannot. */
#define FB_QUERY_STEPS_MAX      4000000
#define FB_API_PAGE_ROWS_MAX    200
#define FB_API_COUNT_MAX        1000 /* "1,000+": no page counts further */
#define FB_API_BULK_ROWS_MAX    1000
#define FB_API_FILTER_NODES_MAX 200
#define FB_API_FILTER_DEPTH_MAX 5
#define FB_API_PARTS_MAX        1000 /* lines of one order in one request */
#define FB_API_GROUPS_MAX       500

/* Conflicts and records that were merged: a list shows so many; for so long a person may take a decision back. */
#define FB_DESK_ROWS_MAX     10000
#define FB_RULING_UNDO_DAYS  90
#define FB_MERGING_UNDO_DAYS 30
/* Who edited an account that leaves him within so many days is told of as one whose unsent work may be touched. */
#define FB_TERRITORY_EDITED_DAYS 30
/* Lines of "what changed in my data" that a laptop keeps: a month of 200 a day. */
#define FB_CHANGES_KEPT_MAX 6000
/* Alike records told of one; rows of one rev that are compared (an import of a million is not, row by row). */
#define FB_ALIKE_FOUND_MAX 10
#define FB_ALIKE_ROWS_MAX  500

/* Text merge: beyond this the field goes to a person instead of to the library. */
#define FB_TEXT_MERGE_BYTES_MAX 262144 /* 256 KiB */

#endif
