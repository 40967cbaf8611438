#!/usr/bin/env bash
# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
# Accounts and what each may do, at the least that works; an administrator of the project runs it. It may run again.
# Usage: deploy/cloud-run/setup.sh accounts      before the first deployment
#        deploy/cloud-run/setup.sh schedules     after the first deployment
#        deploy/cloud-run/setup.sh github ID     lets the repository with that number deploy
set -euo pipefail
cd "$(dirname "$0")"

setting() { sed -n "s/^$1=//p" settings.env; }
project=$(setting PROJECT_ID)
region=$(setting REGION)
service=$(setting SERVICE)
runtime=$(setting SERVICE_ACCOUNT)
scheduler=${runtime%-run}-cron
deployer=${runtime%-run}-ship
in_project=("--project=$project" --quiet)

account() { echo "serviceAccount:$1@$project.iam.gserviceaccount.com"; }

# What exists already stays as it is.
create_account() {
  gcloud iam service-accounts describe "$1@$project.iam.gserviceaccount.com" "${in_project[@]}" >/dev/null 2>&1 ||
    gcloud iam service-accounts create "$1" --display-name="$2" "${in_project[@]}"
}

accounts() {
  gcloud services enable run.googleapis.com sqladmin.googleapis.com secretmanager.googleapis.com \
    artifactregistry.googleapis.com cloudscheduler.googleapis.com iamcredentials.googleapis.com "${in_project[@]}"
  gcloud artifacts repositories describe "$service" "--location=$region" "${in_project[@]}" >/dev/null 2>&1 ||
    gcloud artifacts repositories create "$service" --repository-format=docker "--location=$region" "${in_project[@]}"
  create_account "$runtime" "runs $service"
  # It reads the secrets of settings.env, each by its name, and connects to one database.
  local secret
  for secret in $(secrets); do
    gcloud secrets add-iam-policy-binding "$secret" "--member=$(account "$runtime")" \
      --role=roles/secretmanager.secretAccessor "${in_project[@]}"
  done
  local instance
  instance="projects/$project/instances/$(setting SQL_INSTANCE)"
  gcloud projects add-iam-policy-binding "$project" "--member=$(account "$runtime")" --role=roles/cloudsql.client \
    --condition="title=$service,expression=resource.name == '$instance' && resource.type == 'sqladmin.googleapis.com/Instance'"
}

secrets() {
  { sed -n 's/^[A-Z_]*=secret:\([^:]*\):.*/\1/p' settings.env && setting SECRET_KEY_NAME && setting REDIS_CA_NAME; } | sort -u
}

github() {
  local id=$1
  create_account "$deployer" "deploys $service"
  # It pushes images to one repository, changes services and jobs, and starts them as the account above.
  gcloud artifacts repositories add-iam-policy-binding "$service" "--member=$(account "$deployer")" \
    --role=roles/artifactregistry.writer "--location=$region" "${in_project[@]}"
  gcloud projects add-iam-policy-binding "$project" "--member=$(account "$deployer")" --role=roles/run.developer \
    --condition=None
  gcloud iam service-accounts add-iam-policy-binding "$runtime@$project.iam.gserviceaccount.com" \
    "--member=$(account "$deployer")" --role=roles/iam.serviceAccountUser "${in_project[@]}"
  # The repository by its number: a name can be taken by somebody else after a renaming. Only its main branch, and only
  # through the environment "production", which can ask for a reviewer.
  local pool=(--location=global "${in_project[@]}")
  gcloud iam workload-identity-pools describe github "${pool[@]}" >/dev/null 2>&1 ||
    gcloud iam workload-identity-pools create github "${pool[@]}"
  gcloud iam workload-identity-pools providers describe "$service" --workload-identity-pool=github "${pool[@]}" \
    >/dev/null 2>&1 ||
    gcloud iam workload-identity-pools providers create-oidc "$service" --workload-identity-pool=github \
      --issuer-uri=https://token.actions.githubusercontent.com \
      --attribute-mapping=google.subject=assertion.sub,attribute.repository_id=assertion.repository_id \
      --attribute-condition="assertion.repository_id == '$id' && assertion.ref == 'refs/heads/main' && assertion.environment == 'production'" \
      "${pool[@]}"
  local number
  number=$(gcloud projects describe "$project" --format='value(projectNumber)')
  gcloud iam service-accounts add-iam-policy-binding "$deployer@$project.iam.gserviceaccount.com" \
    --member="principalSet://iam.googleapis.com/projects/$number/locations/global/workloadIdentityPools/github/attribute.repository_id/$id" \
    --role=roles/iam.workloadIdentityUser "${in_project[@]}"
  cat <<END
Variables of the repository, for .github/workflows/deploy-cloud-run.yml:
  WORKLOAD_IDENTITY_PROVIDER=projects/$number/locations/global/workloadIdentityPools/github/providers/$service
  DEPLOYER=$deployer@$project.iam.gserviceaccount.com
END
}

schedules() {
  create_account "$scheduler" "starts the scheduled jobs of $service"
  schedule rotate-keys "17 3 * * *"
  schedule clean-up "47 3 * * *"
  # Everybody may call the service; who is calling is its own question to ask.
  gcloud run services add-iam-policy-binding "$service" --member=allUsers --role=roles/run.invoker \
    "--region=$region" "${in_project[@]}"
}

schedule() {
  local job=$service-$1 verb=create
  gcloud run jobs add-iam-policy-binding "$job" "--member=$(account "$scheduler")" --role=roles/run.invoker \
    "--region=$region" "${in_project[@]}"
  if gcloud scheduler jobs describe "$job" "--location=$region" "${in_project[@]}" >/dev/null 2>&1; then verb=update; fi
  gcloud scheduler jobs "$verb" http "$job" --schedule="$2" --time-zone=Etc/UTC --http-method=POST \
    --uri="https://run.googleapis.com/v2/projects/$project/locations/$region/jobs/$job:run" \
    "--oauth-service-account-email=$scheduler@$project.iam.gserviceaccount.com" \
    "--location=$region" "${in_project[@]}"
}

case "${1:-}:$#" in
  accounts:1 | schedules:1) "$1" ;;
  github:2) github "$2" ;;
  *)
    sed -n 's/^# \(Usage:\|  \)/\1/p' setup.sh >&2
    exit 2
    ;;
esac
