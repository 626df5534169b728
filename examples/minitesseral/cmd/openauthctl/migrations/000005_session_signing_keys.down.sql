ALTER TABLE sessions DROP COLUMN session_signing_key_id;

DROP TABLE session_signing_keys;
