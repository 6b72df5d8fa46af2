# Compiles the component to dist/. Node.js 24 and not 22, which takes more of the processor for a message than 20 and 24 do.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Not "npm ci": it wants the lock file to list the optional binaries of every platform.
RUN npm install --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY tools ./tools
COPY packages/protocol ./packages/protocol
COPY src ./src
RUN npm run build -- server

# What is needed at run time, and no more.
FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm install --omit=dev --no-audit --no-fund

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production \
    HTTP_HOST=0.0.0.0 \
    HTTP_PORT=3184
# HTTP_HOST is not loopback here (nothing outside the container could reach it), so DASHBOARD_PASSWORD must be set.
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json ./
COPY --from=build /app/dist ./dist
# Its files belong to root: the process needs to write none.
USER node
EXPOSE 3184
# Alive, not ready: a missing Openfire or Redis is no reason to restart the process, which waits for both by itself.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HTTP_PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
# In exec form, so that the process itself gets the signal and finishes what is in hand.
CMD ["node", "--max-semi-space-size=128", "dist/main.js"]
