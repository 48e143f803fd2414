#!/usr/bin/env bash
set -euo pipefail
kubeadm init --kubernetes-version "v${KUBERNETES_VERSION:-1.28.0}"
