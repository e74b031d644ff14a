# The product alone: the locked dependencies, the package, an unprivileged user. Migrates by itself at the start.
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN python -m venv /opt/gamehall \
 && /opt/gamehall/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY server server
COPY bridge bridge
COPY generated generated
COPY clients/python/contract clients/python/contract
RUN /opt/gamehall/bin/pip install --no-cache-dir --no-deps --no-build-isolation ./clients/python/contract .

FROM python:3.11-slim
RUN useradd --system --uid 10001 gamehall && install -d -o gamehall /data
COPY --from=build /opt/gamehall /opt/gamehall
USER gamehall
WORKDIR /data
ENV PATH=/opt/gamehall/bin:$PATH \
    GAMEHALL_HOST=0.0.0.0 \
    GAMEHALL_DATABASE_URL=sqlite:////data/gamehall.db \
    GAMEHALL_LOG_FORMAT=json
VOLUME /data
EXPOSE 8080 50051
HEALTHCHECK --interval=5s --timeout=4s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health/live')"]
CMD ["gamehall", "serve"]
