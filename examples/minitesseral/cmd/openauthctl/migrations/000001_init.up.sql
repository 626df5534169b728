CREATE TABLE projects (
    id text PRIMARY KEY CHECK (id ~ '^project_[0-9a-z]+$'),
    display_name text NOT NULL,
    is_dogfood boolean NOT NULL DEFAULT false,
    console_domain text NOT NULL DEFAULT '',
    create_time timestamptz NOT NULL DEFAULT now(),
    update_time timestamptz NOT NULL DEFAULT now()
);

-- At most one project is the dogfood project.
CREATE UNIQUE INDEX projects_one_dogfood ON projects (is_dogfood) WHERE is_dogfood;
