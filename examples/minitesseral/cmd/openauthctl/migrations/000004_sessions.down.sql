DROP TABLE sessions;

DROP TYPE primary_auth_factor;
