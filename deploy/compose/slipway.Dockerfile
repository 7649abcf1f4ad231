# Worker and router agent. Trainers and model servers run as processes inside, so Python and its locked packages are here too.
FROM node:22.21.1-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:22.21.1-bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o node -g node /app
WORKDIR /app
USER node
COPY --from=build --chown=node:node /app ./
# New volumes take over these folders with their owner.
RUN mkdir -p .slipway/envoy .slipway/prometheus/targets .slipway/serving .slipway/jobs .slipway/stack \
 && cp deploy/compose/state.json .slipway/stack/state.json \
 && node deploy/compose/install-python.mjs
