-- Public halves of the ECDSA keys (P-256) that sign sessions.
CREATE TABLE session_signing_keys (
    id text PRIMARY KEY CHECK (id ~ '^session_signing_key_[0-9a-z]+$'),
    project_id text NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    public_x bytea NOT NULL CHECK (length(public_x) = 32),
    public_y bytea NOT NULL CHECK (length(public_y) = 32),
    kms_key_id text NOT NULL,
    kms_endpoint text NOT NULL DEFAULT '',
    create_time timestamptz NOT NULL DEFAULT now(),
    expire_time timestamptz NOT NULL,
    CHECK (expire_time > create_time)
);

CREATE INDEX session_signing_keys_project_id ON session_signing_keys (project_id);

ALTER TABLE sessions
    ADD COLUMN session_signing_key_id text REFERENCES session_signing_keys (id) ON DELETE SET NULL;
