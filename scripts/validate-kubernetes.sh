#!/usr/bin/env bash
# Checks deploy/kubernetes against the schemas of Kubernetes, which PyPI's kubernetes-validate brings along. KEDA's own kinds
# have no schema there; test/docs/kubernetes.test.ts reads them.
set -euo pipefail
cd "$(dirname "$0")/.."

python=node_modules/.cache/kubernetes-python
if [ ! -x "$python/bin/kubernetes-validate" ]; then
  python3 -m venv "$python"
  "$python/bin/pip" install --quiet kubernetes-validate==1.37.0
fi
find deploy/kubernetes -name '*.yaml' ! -name kustomization.yaml ! -name scaled-object.yaml -print0 |
  xargs -0 "$python/bin/kubernetes-validate" --strict
