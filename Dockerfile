# docker build -t image-text-encoder .
# docker run -d -p 5555:5555 --name image-text-encoder-container image-text-encoder
#
# The build needs a network; the container does not. Both run on linux/amd64 and linux/arm64.

# NODE_IMAGE may be any glibc image with Node.js >= 20.19 and npm in /usr/local/bin or /usr/bin.
ARG NODE_IMAGE=node:24-bookworm-slim
# The base of the target `gpu`, of the CUDA that ONNX Runtime's provider was built for; the build checks it.
ARG CUDA_VERSION=13.0.1
ARG CUDA_IMAGE=nvidia/cuda:${CUDA_VERSION}-cudnn-runtime-ubuntu24.04

FROM ${NODE_IMAGE} AS build
WORKDIR /app
# No package here needs its install script: native libraries come inside the packages.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY web web
RUN npm run build \
    && npm prune --omit=dev --ignore-scripts
COPY LICENSE NOTICE ./
COPY bin bin

# /runtime becomes the root file system: Node.js, the C and C++ libraries that it and the native modules load, and the
# application with the libraries of this one platform and without the embedded model. It has no shell and no package
# manager, so there is nothing else to keep up to date.
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN arch="$(node -p process.arch)" \
    && find node_modules/onnxruntime-node/bin/napi-v6 -mindepth 2 -maxdepth 2 ! -path "*/linux/${arch}" -exec rm -r {} + \
    && find node_modules/tokenizers -name '*.node' ! -name "*.linux-${arch}-gnu.node" -delete \
    && find node_modules -type f \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' \) -delete \
    && mkdir -p /runtime/app /runtime/etc /runtime/models /runtime/usr/local/bin \
    && cp -L "$(command -v node)" /runtime/usr/local/bin/node \
    && find node_modules "$(command -v node)" -type f \( -name '*.node' -o -name '*.so' -o -name '*.so.*' -o -name node \) -exec ldd {} + \
        | awk '$2 == "=>" && $3 !~ "^/app/" { print $3 } $1 ~ "^/lib" && NF == 2 { print $1 }' \
        | sort -u | xargs cp -L --parents -t /runtime \
    && cp -r LICENSE NOTICE package.json bin dist node_modules /runtime/app/ \
    && echo 'encoder:x:10001:10001::/tmp:/usr/sbin/nologin' > /runtime/etc/passwd \
    && echo 'encoder:x:10001:' > /runtime/etc/group \
    && echo 'hosts: files dns' > /runtime/etc/nsswitch.conf \
    && install -d -m 1777 /runtime/tmp \
    && mkdir /packed

# This stage adds what bulk runs and the search index need: the optional peers of package.json, in the locked versions.
# npm installs peers that are optional only where they are no longer called so.
FROM build AS build-search
RUN node -e 'const { devDependencies, peerDependencies, peerDependenciesMeta, ...it } = require("./package.json"); \
        it.dependencies = { ...it.dependencies, ...peerDependencies }; \
        require("node:fs").writeFileSync("package.json", JSON.stringify(it));' \
    && npm install --ignore-scripts \
    && find node_modules -type f \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' \) -delete \
    && find node_modules/@lancedb -type f -name '*.node' -exec ldd {} + \
        | awk '$2 == "=>" && $3 !~ "^/app/" { print $3 } $1 ~ "^/lib" && NF == 2 { print $1 }' \
        | sort -u | xargs cp -L --parents -t /runtime \
    && cp -r node_modules /runtime/app/ \
    && mkdir /index

# This stage downloads, verifies and builds the model. Gated or private repositories need a token:
# --secret id=hf_token,src=FILE
FROM build AS model
ARG MODEL=clip-vit-b-32
ARG PRECISION=auto
ARG HF_ENDPOINT=https://huggingface.co
# Another checkpoint or pair may replace the catalog's, each as org/name or org/name@revision. MODEL is then its name.
ARG CHECKPOINT=
ARG IMAGE_REPOSITORY=
ARG TEXT_REPOSITORY=
ENV MODELS_DIR=/models
RUN --mount=type=secret,id=hf_token \
    export HF_TOKEN_PATH=/run/secrets/hf_token \
    && if [ -n "${CHECKPOINT}" ]; then \
        node bin/image-text-encoder pull --checkpoint "${CHECKPOINT}" --out "/models/${MODEL}"; \
    elif [ -n "${IMAGE_REPOSITORY}" ]; then \
        node bin/image-text-encoder pull --image "${IMAGE_REPOSITORY}" --text "${TEXT_REPOSITORY}" --out "/models/${MODEL}"; \
    else \
        node bin/image-text-encoder pull "${MODEL}"; \
    fi \
    && node bin/image-text-encoder models verify \
    && rm -rf /models/.downloads

# This stage fetches ONNX Runtime's CUDA provider, which npm ci never does, and sees that the base image fits it.
FROM ${CUDA_IMAGE} AS cuda
RUN ldconfig -p > /libraries

FROM build AS build-gpu
RUN apt-get update && apt-get install -y --no-install-recommends binutils
COPY scripts/check-cuda-provider.sh scripts/
COPY --from=cuda /libraries /libraries
RUN node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12 \
    && cd node_modules/onnxruntime-node/bin/napi-v6/linux/x64 \
    && rm -f libonnxruntime_providers_tensorrt.so \
    && sh /app/scripts/check-cuda-provider.sh . /libraries \
    && cp libonnxruntime_providers_*.so /runtime/app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/

# This stage runs on an NVIDIA GPU, on linux/amd64, with a mounted model: docker build --target gpu .
FROM ${CUDA_IMAGE} AS gpu
LABEL org.opencontainers.image.title="image-text-encoder" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build-gpu /runtime/usr/local/bin/node /usr/local/bin/node
COPY --from=build-gpu /runtime/app /app
WORKDIR /app
ENV HOME=/tmp \
    NODE_ENV=production \
    MODELS_DIR=/models \
    HF_HUB_OFFLINE=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    DEVICE=cuda
USER 10001:10001
EXPOSE 5555
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 5555}/health`).then(({ok}) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--single-threaded-gc", "/app/bin/image-text-encoder"]
CMD ["serve"]

# This stage has everything but a model, for those who mount one: docker build --target runtime .
FROM scratch AS runtime
LABEL org.opencontainers.image.title="image-text-encoder" \
      org.opencontainers.image.description="Images and text in 50+ languages to vectors in one space" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /runtime /
# Weights are packed here for the processor that the container runs on. A new volume here belongs to its user.
COPY --from=build --chown=10001:10001 /packed /models/.packed
WORKDIR /app
# With these, glibc gives memory back that is no longer used, some 40 MiB: docs/performance.md has the measurement.
ENV PATH=/usr/local/bin \
    HOME=/tmp \
    NODE_ENV=production \
    MALLOC_ARENA_MAX=1 \
    MALLOC_MMAP_THRESHOLD_=8192 \
    MALLOC_TRIM_THRESHOLD_=131072 \
    MODELS_DIR=/models \
    HF_HUB_OFFLINE=1
USER 10001:10001
EXPOSE 5555
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 5555}/health`).then(({ok}) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node.js is process 1 and handles SIGTERM itself.
ENTRYPOINT ["node", "--single-threaded-gc", "/app/bin/image-text-encoder"]
CMD ["serve"]

# This stage also searches: docker build --target search . (examples/compose.search.yaml uses it).
FROM runtime AS search
ARG MODEL=clip-vit-b-32
ENV MODEL=${MODEL}
COPY --from=build-search /runtime/ /
COPY --from=build-search --chown=10001:10001 /index /index
COPY --from=model /models /models

# This stage is a worker of shared bulk runs: docker build --target worker . (deploy/ uses it). A new volume at /vectors
# belongs to its user.
FROM search AS worker
COPY --from=build-search --chown=10001:10001 /index /vectors
HEALTHCHECK NONE
CMD ["work"]

# The last stage is what `docker build .` makes: the service alone.
FROM runtime
ARG MODEL=clip-vit-b-32
ENV MODEL=${MODEL}
COPY --from=model /models /models
