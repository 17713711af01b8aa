/* SPDX-License-Identifier: MIT
 *
 * Several files as one: a tar file (POSIX ustar) inside a zstd frame, so that stock tools open it too: `tar --zstd -xf FILE`, then
 * `sha256sum -c SHA256SUMS`, which stands last in it and names the others. What a member means is the caller's business.
 */
#ifndef FB_BASE_ARCHIVE_H
#define FB_BASE_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"

/* Bytes of the members done so far; false stops the work with FB_ERR_INTERRUPTED. May be NULL. */
typedef bool fb_archive_progress(void *ctx, int64_t done);

struct fb_archive;

/* Begins PATH.new, mode 0600. FB_ERR_EXISTS if path is there. */
int fb_archive_new(const char *path, fb_archive_progress *progress, void *ctx,
                   struct fb_archive **ret, struct fb_why *why) FB_MUST_CHECK;
/* The file's bytes under a name (a-z, A-Z, 0-9, '.', '-', '_', and one '/' at most); mode as in chmod. */
int fb_archive_add(struct fb_archive *a, const char *name, const char *from, unsigned mode,
                   struct fb_why *why) FB_MUST_CHECK;
/* Ends it with the sums, syncs, and gives it its name; an existing file is never replaced. */
int fb_archive_finish(struct fb_archive *a, int64_t *ret_bytes, struct fb_why *why) FB_MUST_CHECK;
/* NULL is fine. An archive that was not finished goes. */
void fb_archive_free(struct fb_archive *a);
void fb_archive_drop(struct fb_archive **a); /* for FB_AUTO */

/* Writes the members into an existing folder, or only reads them (folder NULL), and compares every byte with the sums.
 * FB_ERR_DAMAGED with a sentence if the file is cut off, changed or no archive of ours; what was written until then stays for the
 * caller to remove. */
int fb_archive_unpack(const char *path, const char *folder, fb_archive_progress *progress,
                      void *ctx, struct fb_why *why) FB_MUST_CHECK;

#endif
