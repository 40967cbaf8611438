#!/bin/sh
# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
# Makes the secrets of this deployment, on the machine that uses them.
#
#   sh secrets.sh                 makes what is missing; what is there stays
#   sh secrets.sh rotate          a new SECRET_KEY; the old one goes on opening what it sealed
#   sh secrets.sh forget          ends that, when everything was sealed anew
#   sh secrets.sh put NAME        takes a secret from standard input, such as smtp_password
set -eu
cd "$(dirname "$0")"

# Nobody else on this machine gets into the folder. The files in it can be read by whoever gets one of them mounted:
# the containers run as users that this machine does not know.
umask 077
mkdir -p secrets

random() {
  head -c 48 /dev/urandom | base64 | tr -d '=\n' | tr '+/' '-_'
}

# Whole or not at all: a reader never sees half a secret.
put() {
  cat > "secrets/$1.new"
  chmod 444 "secrets/$1.new"
  mv -f "secrets/$1.new" "secrets/$1"
}

make() {
  [ -e "secrets/$1" ] || random | put "$1"
}

put_new() {
  [ -e "secrets/$1" ] || printf '%s' "$2" | put "$1"
}

# The hash is all that Redis needs. The service may do with keys what it does, and nothing to the server.
make_redis() {
  make redis_password
  hash=$(sha256sum < secrets/redis_password | cut -d ' ' -f 1)
  put_new redis_url "redis://service:$(cat secrets/redis_password)@redis/0"
  put_new redis_acl "user default off
user service on #$hash ~* &* -@all +@read +@write +@connection +@scripting -@dangerous +info
"
}

case "${1:-make}" in
  make)
    for name in secret_key metrics_token postgres_password database_owner_password database_password; do
      make "$name"
    done
    for name in secret_key_previous smtp_password; do
      [ -e "secrets/$name" ] || put "$name" < /dev/null
    done
    put_new database_owner_url "postgresql+asyncpg://service_owner:$(cat secrets/database_owner_password)@database/service"
    put_new database_url "postgresql+asyncpg://service:$(cat secrets/database_password)@database/service"
    if grep -q '^  redis_acl:' compose.yaml; then
      make_redis
    fi
    echo "secrets/ is complete."
    ;;
  rotate)
    # All that came before stay, newest first: two rotations in a row lock nobody out.
    printf '%s' "$(cat secrets/secret_key),$(cat secrets/secret_key_previous)" | put secret_key_previous
    random | put secret_key
    echo "SECRET_KEY is new. Next: docker compose up --detach --force-recreate app schedule"
    ;;
  forget)
    put secret_key_previous < /dev/null
    echo "The old SECRET_KEY is forgotten. Next: docker compose up --detach --force-recreate app schedule"
    ;;
  put)
    put "$2"
    ;;
  *)
    echo "usage: sh secrets.sh [rotate | forget | put NAME]" >&2
    exit 2
    ;;
esac
