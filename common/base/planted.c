/* SPDX-License-Identifier: MIT */
#include "common/base/planted.h"

#include "common/base/limits.h"

#ifdef FB_PLANTED
enum fb_planted fb_planted_bug = FB_PLANTED_NONE;
unsigned long fb_planted_reached = 0;

int fb_limit_log_span_whole = 64;
int fb_limit_chunk_rows = 2000;
int fb_limit_log_segment_entries = 2000;
int fb_limit_history_step_rows = 2000;
int fb_limit_history_day_ms = 86400000;
int fb_limit_push_part_bytes_aim = 256 * 1024;
int fb_limit_row_batch_bytes_aim = 256 * 1024;
unsigned fb_limit_protocol_version = 1;
unsigned fb_limit_protocol_of_laptop = 1;
unsigned fb_limit_protocol_pulls_min = 1;
int fb_limit_cut_memory_bytes_max = 4 * 1024 * 1024;
#endif
