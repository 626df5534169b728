CREATE TABLE users (
    id text PRIMARY KEY CHECK (id ~ '^user_[0-9a-z]+$'),
    project_id text NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    email text NOT NULL,
    password_hash text,
    is_owner boolean NOT NULL DEFAULT false,
    create_time timestamptz NOT NULL DEFAULT now(),
    update_time timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX users_project_id_email ON users (project_id, lower(email));
