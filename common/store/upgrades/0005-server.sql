-- The recycle bin is listed by what was deleted last, and what went together comes back together.
CREATE INDEX fb_bin_cause ON fb_bin (cause);
