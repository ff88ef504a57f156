# The school in one image: web process, relay, packager, media worker and clock are commands of it. Built from this folder alone.

FROM node:22-bookworm-slim AS modules
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/school
COPY requirements.lock .
RUN /opt/school/bin/pip install --require-hashes -r requirements.lock
WORKDIR /srv/school
COPY . .
COPY --from=modules /build/node_modules node_modules
RUN python script/vendor.py && rm -rf node_modules \
 && for words in school/locales/*/LC_MESSAGES/*.po; do /opt/school/bin/pybabel -q compile -i "$words" -o "${words%.po}.mo"; done \
 && /opt/school/bin/pip install --no-build-isolation --no-deps -e .

FROM python:3.13-slim-bookworm
RUN useradd --uid 10001 --create-home school && install -d -o school /data
COPY --from=build /opt/school /opt/school
COPY --from=build /srv/school /srv/school
ENV PATH=/opt/school/bin:$PATH PYTHONUNBUFFERED=1 SCHOOL_DATA=/data SCHOOL_HOST=0.0.0.0
USER school
WORKDIR /srv/school
EXPOSE 8000
ENTRYPOINT ["python", "-m"]
CMD ["school", "web"]
