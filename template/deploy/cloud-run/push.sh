#!/usr/bin/env bash
# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
# Pushes the image "app", of docker or of the archive that is named, and prints its name with its digest.
# Usage: deploy/cloud-run/push.sh [IMAGE.tar]
set -euo pipefail
cd "$(dirname "$0")"

setting() { sed -n "s/^$1=//p" settings.env; }
host=$(setting REGION)-docker.pkg.dev
repository=$host/$(setting PROJECT_ID)/$(setting SERVICE)/app
# The digest says what it is; the tag only keeps it from being cleaned up.
name=$repository:$(date -u +%Y%m%d-%H%M%S)
{
  if [ $# -gt 0 ]; then docker load --input "$1"; fi
  gcloud auth configure-docker "$host" --quiet
  docker tag app "$name"
  docker push "$name"
} >&2
docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$name" | grep --max-count=1 "^$repository@sha256:"
