-- Pushes that headquarters lost with a newer state of its own, and that go up again.
ALTER TABLE fb_push ADD COLUMN was_answered INTEGER; -- 1: a cut had answered it before: no later one skipped anything for it
