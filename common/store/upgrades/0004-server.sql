-- The key of a device, for people to compare on two screens before it is approved.
ALTER TABLE fb_certificate ADD COLUMN key_hash BLOB; -- SHA-256 of the public key; NULL: issued before this upgrade
