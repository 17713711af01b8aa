/* SPDX-License-Identifier: MIT
 *
 * One question to headquarters on a connection of its own, and its answer: enrolment, renewal, "my data is erased". Blocks, with
 * a bound of 30 s.
 */
#ifndef FB_REPLICA_QUESTION_H
#define FB_REPLICA_QUESTION_H

#include "common/base/buf.h"
#include "common/net/stream.h"
#include "common/wire/message.h"

struct fb_question {
    struct fb_buf in;
    struct fb_arena arena;
    struct fb_message answer; /* its bytes live in the arena */
    bool is_answered;
};

/* FB_ERR_UNREACHABLE, FB_ERR_PROTOCOL ... with a sentence. Release q either way. */
int fb_question_ask(const struct fb_stream_connect_config *config, const struct fb_message *ask,
                    struct fb_question *q, struct fb_why *why) FB_MUST_CHECK;
void fb_question_release(struct fb_question *q);

#endif
