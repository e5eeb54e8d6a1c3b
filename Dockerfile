# One image for API and worker: `docker run IMAGE api`, `docker run IMAGE worker`, `docker run IMAGE migrate`.
# Runs read-only (`--read-only --tmpfs /tmp --cap-drop ALL`); documents go to PLUGOSYNC_DOCUMENTS_URL.
FROM python:3.11-slim AS build
COPY requirements.txt /build/requirements.txt
RUN ["python", "-m", "venv", "/opt/plugosync"]
RUN ["/opt/plugosync/bin/python", "-m", "pip", "install", "--no-cache-dir", "--require-hashes", "-r", "/build/requirements.txt"]

FROM python:3.11-slim
ENV PATH=/opt/plugosync/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/srv/plugosync \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PLUGOSYNC_HOST=0.0.0.0
COPY --from=build /opt/plugosync /opt/plugosync
COPY alembic.ini /srv/plugosync/alembic.ini
COPY migrations /srv/plugosync/migrations
COPY app /srv/plugosync/app
WORKDIR /srv/plugosync
USER 10001:10001
EXPOSE 8000
# Meant for the API; a worker says by its heartbeat in the database that it lives.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import os, sys, urllib.request; sys.exit(urllib.request.urlopen(f'http://127.0.0.1:{os.environ.get(\"PLUGOSYNC_PORT\", \"8000\")}/healthz', timeout=4).status != 200)"]
ENTRYPOINT ["python", "-m", "app.cli"]
CMD ["api"]
