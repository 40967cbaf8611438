"""Each distinct deployment, rendered once for all validators."""

import pytest

from tests.deploy.kustomize import Object, build, overlays
from tests.deploy.trees import distinct_deploys
from tests.matrix.questions import title
from tests.matrix.rendering import Rendering


@pytest.fixture(scope="session")
def deploys(renderings: list[Rendering]) -> list[Rendering]:
    """The first rendering of each distinct set of deployment files."""
    return distinct_deploys(renderings)


@pytest.fixture(scope="session")
def on_kubernetes(deploys: list[Rendering]) -> list[Rendering]:
    """Each service with Kubernetes files that differ from those before it."""
    return [each for each in deploys if each.answers["deploy_target"] == "kubernetes"]


@pytest.fixture(scope="session")
def built(on_kubernetes: list[Rendering]) -> dict[str, list[Object]]:
    """The objects of every overlay of every such service, by a name for people."""
    return {
        f"{title(service.answers)}, {name}": build(directory)
        for service in on_kubernetes
        for name, directory in overlays(service).items()
    }


@pytest.fixture(scope="session")
def on_cloud_run(deploys: list[Rendering]) -> list[Rendering]:
    """Each service with Cloud Run files that differ from those before it."""
    return [each for each in deploys if each.answers["deploy_target"] == "cloud-run"]
