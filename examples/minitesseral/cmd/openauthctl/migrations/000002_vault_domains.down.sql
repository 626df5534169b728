DROP TABLE vault_domains;
