/* SPDX-License-Identifier: MIT
 *
 * Planted bugs: proof that the simulator notices when a rule of a round is broken.
 *
 * Every build but Release is compiled with FB_PLANTED. There the code of a rule asks
 * `if (FB_BUG(PENDING_BY_FIELD))` and then does the wrong thing that planted.def describes;
 * tests/sim sets one bug at a time and must catch it. In Release FB_BUG() is the constant false and
 * leaves no code.
 */
#ifndef FB_BASE_PLANTED_H
#define FB_BASE_PLANTED_H

enum fb_planted {
    FB_PLANTED_NONE = 0,
#define FB_PLANT(name, rule, breaks) FB_PLANTED_##name,
#include "common/base/planted.def"
#undef FB_PLANT
    FB_PLANTED_COUNT
};

#ifdef FB_PLANTED
/* The bug that is on in this process; set by tests only, before the nodes are opened. */
extern enum fb_planted fb_planted_bug;
/* How often the code of the bug that is on was reached: 0 after a run means that its place was
 * never visited. */
extern unsigned long fb_planted_reached;
#define FB_BUG(name)                                                                               \
    (__builtin_expect(fb_planted_bug == FB_PLANTED_##name, 0) && ++fb_planted_reached > 0)
#else
#define FB_BUG(name) (FB_PLANTED_##name == FB_PLANTED_NONE)
#endif

#endif
