-- Pushes acknowledged under an earlier life of this laptop are kept as long as others, under numbers of 0 and less: a headquarters put back to
-- a backup may lack them. Sent again they say what they were first, so that headquarters knows those it has.
ALTER TABLE fb_push ADD COLUMN origin_incarnation INTEGER;
ALTER TABLE fb_push ADD COLUMN origin_number INTEGER; -- NULL: sent under one life only
ALTER TABLE fb_push ADD COLUMN origin_hash BLOB;
