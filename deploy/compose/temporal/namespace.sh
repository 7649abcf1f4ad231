#!/bin/sh
# The namespace, which keeps finished runs for 30 days, and the search attributes that runs carry.
set -eu
until temporal operator cluster health; do sleep 1; done
temporal operator namespace describe --namespace default ||
  temporal operator namespace create --namespace default --retention 30d
temporal operator search-attribute create --namespace default \
  --name Environment --type Keyword \
  --name PlanDigest --type Keyword \
  --name Stage --type Keyword \
  --name ModelVersion --type Keyword \
  --name Outcome --type Keyword \
  --name AwaitingApproval --type Bool
