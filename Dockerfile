# One image for every process: `web`, `worker`, `run`, `demo` and the one-shot commands.
#
#   docker run --read-only --tmpfs /tmp -v reviewdue:/data -p 8080:8080 reviewdue web
#
# /data is the only place that is written: reviewdue.toml is read there, ledger and instance secret live there.

FROM python:3.12-slim AS build
WORKDIR /build
COPY requirements/base.txt requirements/build.txt requirements/
RUN python -m venv /opt/reviewdue \
 && /opt/reviewdue/bin/pip install --no-cache-dir --require-hashes -r requirements/base.txt \
 && pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY LICENSE README.md pyproject.toml ./
COPY service/ service/
COPY fixtures/ fixtures/
RUN python -m hatchling build -t wheel -d dist \
 && /opt/reviewdue/bin/pip install --no-cache-dir --no-index --no-deps dist/*.whl \
 && /opt/reviewdue/bin/pip uninstall --yes pip

FROM python:3.12-slim
RUN groupadd --system --gid 10001 reviewdue \
 && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin reviewdue \
 && install -d -o 10001 -g 10001 -m 0750 /data
COPY --from=build /opt/reviewdue /opt/reviewdue
COPY deploy/healthcheck.py /opt/reviewdue/healthcheck.py
# Inside a container the published port decides who gets in, so the inbox listens on every address there.
ENV PATH=/opt/reviewdue/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    REVIEWDUE_WEB__HOST=0.0.0.0
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["python", "/opt/reviewdue/healthcheck.py"]
ENTRYPOINT ["reviewdue"]
CMD ["--help"]
