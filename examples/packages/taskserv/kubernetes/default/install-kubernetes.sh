#!/usr/bin/env bash
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ -r "$here/env-kubernetes" ]; then . "$here/env-kubernetes"; fi
version="v${KUBERNETES_VERSION:-1.28.0}"

if kubectl version --client 2>/dev/null | grep -q "$version"; then
  echo "kubernetes $version is installed"
  exit 0
fi
swapoff --all
kubeadm config images pull --kubernetes-version "$version"
kubeadm init --kubernetes-version "$version" \
  --pod-network-cidr "${POD_NETWORK_CIDR:-10.244.0.0/16}" \
  --service-cidr "${SERVICE_CIDR:-10.96.0.0/12}"
