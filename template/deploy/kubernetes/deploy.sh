#!/usr/bin/env bash
# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
# Brings an overlay to the cluster: settings and secrets, then the migrations, then the new version.
# Usage: deploy/kubernetes/deploy.sh production
set -euo pipefail

overlay=$(dirname "$0")/overlays/${1:?name an overlay, such as production}
namespace=$(sed -n 's/^namespace: *//p' "$overlay/kustomization.yaml")
in_namespace=(kubectl --namespace "${namespace:?the overlay has no namespace}")

# Not yet applied, or of the version before: what waits below must be the Job of this version.
"${in_namespace[@]}" delete job migrate --ignore-not-found --wait
kubectl apply --kustomize "$overlay" --selector 'app.kubernetes.io/component!=api'
if ! "${in_namespace[@]}" wait --for=condition=complete --timeout=610s job/migrate; then
  "${in_namespace[@]}" logs job/migrate --tail=50 >&2
  echo "The migrations did not run, so the version before goes on serving." >&2
  exit 1
fi
kubectl apply --kustomize "$overlay"
"${in_namespace[@]}" rollout status deployment/api --timeout=300s
