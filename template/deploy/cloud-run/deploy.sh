#!/usr/bin/env bash
# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
# Brings an image to Cloud Run: the migrations, then the scheduled jobs, then the new version.
# Usage: deploy/cloud-run/deploy.sh REGION-docker.pkg.dev/PROJECT/REPOSITORY/NAME@sha256:…
set -euo pipefail
cd "$(dirname "$0")"

setting() { sed -n "s/^$1=//p" settings.env; }
where=("--project=$(setting PROJECT_ID)" "--region=$(setting REGION)" --quiet)
service=$(setting SERVICE)
filled=$(mktemp -d)
trap 'rm -rf "$filled"' EXIT
python3 render.py "${1:?name the image, by its digest}" "$filled"

gcloud run jobs replace "$filled/migrate.yaml" "${where[@]}"
# Ends with an error when the migrations fail: then the version before goes on serving.
gcloud run jobs execute "$service-migrate" --wait "${where[@]}"
gcloud run jobs replace "$filled/rotate-keys.yaml" "${where[@]}"
gcloud run jobs replace "$filled/clean-up.yaml" "${where[@]}"
# Requests go to the new revision when its start-up probe has passed, and not before.
gcloud run services replace "$filled/service.yaml" "${where[@]}"
