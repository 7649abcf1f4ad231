#!/bin/sh
# Makes Temporal's two databases, or brings them to the schema of this version.
set -eu
for database in temporal temporal_visibility; do
  case $database in temporal) schema=temporal ;; *) schema=visibility ;; esac
  tool="temporal-sql-tool --plugin postgres12 --ep 127.0.0.1 -p 5432 -u temporal --db $database"
  $tool create
  $tool setup-schema -v 0.0
  $tool update-schema -d "/etc/temporal/schema/postgresql/v12/$schema/versioned"
done
