# SPDX-License-Identifier: Apache-2.0
# longtake as a container: docs/howto/docker.md. The image holds GPL libraries (x264, x265): see NOTICE in it before
# you pass it on.

FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY src ./src
# The constraints hold for the build backend too: the same files always make the same image.
RUN python -m venv /opt/longtake \
    && PIP_CONSTRAINT=/build/constraints.txt /opt/longtake/bin/pip install --no-cache-dir --no-compile . \
    && /opt/longtake/bin/pip uninstall --yes pip setuptools

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="longtake" \
      org.opencontainers.image.description="A video router that continues any finished video from any second" \
      org.opencontainers.image.licenses="Apache-2.0 AND GPL-2.0-or-later"
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin longtake \
    && install --directory --owner=longtake --group=longtake --mode=0700 /data
COPY LICENSE docs/howto/container-notice.txt /usr/share/doc/longtake/
COPY --from=build /opt/longtake /opt/longtake
ENV PATH=/opt/longtake/bin:/usr/local/bin:/usr/bin:/bin \
    LONGTAKE_HOME=/data \
    LONGTAKE_HOST=0.0.0.0 \
    LONGTAKE_PORT=8420 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8420
STOPSIGNAL SIGTERM
# readyz also says no when the disk is full or the scheduler has ended.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8420/readyz', timeout=4)"]
ENTRYPOINT ["longtake"]
CMD ["serve"]
