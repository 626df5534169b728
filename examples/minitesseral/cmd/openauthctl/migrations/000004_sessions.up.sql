CREATE TYPE primary_auth_factor AS ENUM ('password', 'email_link', 'oauth');

CREATE TABLE sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    refresh_token_sha256 bytea NOT NULL UNIQUE CHECK (length(refresh_token_sha256) = 32),
    primary_auth_factor primary_auth_factor NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    last_active_time timestamptz NOT NULL DEFAULT now(),
    expire_time timestamptz NOT NULL,
    CHECK (expire_time > create_time)
);

CREATE INDEX sessions_user_id ON sessions (user_id);
