/* SPDX-License-Identifier: MIT
 *
 * Erasing a laptop's data as headquarters ordered, and saying so.
 *
 *   DIR/wiped is written first: a crash afterwards goes on with erasing, at every next command
 *   what opens the data goes first: the lease with its secret; then the databases and everything else
 *   headquarters is told, as soon as it can be reached
 *   the key and the certificate go last: they only say who the laptop is
 *
 * Bytes are written over before a file goes; what a flash disk or a copying file system keeps of them is beyond a program:
 * encryption of the disk is for that (docs/operations.md).
 */
#ifndef FB_REPLICA_WIPE_H
#define FB_REPLICA_WIPE_H

#include <stdbool.h>

#include "common/base/err.h"

/* Was this folder told to erase itself? */
bool fb_replica_is_wiped(const char *data);
/* "the data of this laptop was erased at ...". */
void fb_replica_wiped_say(const char *data, struct fb_why *ret);

/* Erases; server: HOST:PORT, kept for telling. unsent: edits that headquarters has not taken and that go. */
int fb_replica_wipe(const char *data, const char *server, long long unsent,
                    struct fb_why *why) FB_MUST_CHECK;
/* Finishes what fb_replica_wipe began: erases what is left, tells headquarters, erases the key. FB_OK: all is done;
 * FB_ERR_UNREACHABLE: try again. */
int fb_replica_wipe_finish(const char *data, const char *proxy, struct fb_why *why) FB_MUST_CHECK;

#endif
