/* SPDX-License-Identifier: MIT
 *
 * What administrators decide about laptops: suspended and let in again, or ordered to erase their data. What a laptop's programs do
 * about the latter (replica/daemon.c, replica/wipe.c): the folder is emptied at once, headquarters is told by a connection of its own
 * as often as it takes, and some time later the laptop's person enrols it as a new device.
 */
#ifndef SIM_DEVICES_H
#define SIM_DEVICES_H

#include "tests/sim/world.h"

/* Does anything of the kind happen in this run? */
bool sim_has_devices(const struct sim_world *w);

/* SIM_SUSPEND, SIM_WIPE: by a command at headquarters. */
void sim_device_suspend(struct sim_world *w, struct sim_replica *r, uint64_t random);
void sim_device_wipe(struct sim_world *w, struct sim_replica *r, uint64_t random);

/* The laptop's daemon stops and its data goes; unsent: as its round says, but for what its disk refused to tell (is_counted). */
void sim_device_erase(struct sim_world *w, struct sim_replica *r, int64_t unsent, bool is_counted);
/* While r->wiped is set: when it tries to tell headquarters, and when it enrols; INT64_MAX: not now. */
int64_t sim_device_dials_ms(const struct sim_replica *r);
int64_t sim_device_enrols_ms(const struct sim_replica *r);
void sim_device_says_wiped(struct sim_world *w,
                           struct sim_replica *r); /* over the link it just got */
void sim_device_answered(struct sim_world *w, struct sim_replica *r, const uint8_t *bytes,
                         size_t size);
void sim_device_enrol(struct sim_world *w, struct sim_replica *r);
void sim_device_forget(struct sim_replica *r); /* the run is over */

/* The first laptop that is suspended and was not told; 0: none. Then all go on. */
int sim_devices_untold(struct sim_world *w);
void sim_devices_resume(struct sim_world *w);

/* No row to a laptop that headquarters knows to be suspended or to be erased. */
void sim_devices_check_bytes(struct sim_world *w, const struct sim_link *link, const uint8_t *bytes,
                             size_t size);
/* What headquarters was told after its backup was made nobody expects it to know. */
void sim_devices_after_hq_restore(void);
/* In the end: what was taken in from whom, and what headquarters knows of erased laptops. */
void sim_devices_check(struct sim_world *w);

#endif
