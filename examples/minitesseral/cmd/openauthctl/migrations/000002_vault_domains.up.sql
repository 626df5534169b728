CREATE TABLE vault_domains (
    domain text PRIMARY KEY CHECK (domain = lower(domain)),
    project_id text NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    is_primary boolean NOT NULL DEFAULT false,
    create_time timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX vault_domains_project_id ON vault_domains (project_id);
CREATE UNIQUE INDEX vault_domains_one_primary ON vault_domains (project_id) WHERE is_primary;
