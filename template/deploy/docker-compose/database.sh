#!/bin/sh
# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
# Runs once, in the empty database: an owner that migrates, and a user for the service that reads and writes rows and
# changes no table. Neither is a superuser.
set -eu

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" <<'SQL'
\set owner_password `cat "${SECRETS_DIR:-/run/secrets}/database_owner_password"`
\set password `cat "${SECRETS_DIR:-/run/secrets}/database_password"`
CREATE ROLE service_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE service LOGIN PASSWORD :'password';
CREATE DATABASE service OWNER service_owner;
REVOKE ALL ON DATABASE service FROM PUBLIC;
GRANT CONNECT ON DATABASE service TO service;
\connect service
ALTER SCHEMA public OWNER TO service_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO service;
ALTER DEFAULT PRIVILEGES FOR ROLE service_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO service;
ALTER DEFAULT PRIVILEGES FOR ROLE service_owner GRANT USAGE ON SEQUENCES TO service;
SQL
