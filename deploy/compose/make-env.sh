#!/bin/sh
# Writes .env with random passwords for docker-compose.yml, unless it is there.
set -eu
cd "$(dirname "$0")/../.."
[ -e .env ] && { echo '.env is there already; it is left as it is'; exit 0; }
secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
umask 077
cat > .env <<END
POSTGRES_PASSWORD=$(secret)
S3_SECRET_KEY=$(secret)
GRAFANA_PASSWORD=$(secret)
END
echo 'wrote .env'
