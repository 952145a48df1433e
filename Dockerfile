# One image for every Airflow component and worker: the locked packages, this project, its DAGs and its plugins.
FROM python:3.11-slim-bookworm

ENV AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/airflow/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/airflow/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1

RUN useradd --uid 50000 --gid 0 --home-dir /opt/airflow --create-home airflow

WORKDIR /opt/airflow
COPY requirements-deploy.lock ./
RUN pip install --require-hashes -r requirements-deploy.lock

COPY pyproject.toml setup.py README.md LICENSE ./
COPY include include
RUN pip install --no-deps --no-build-isolation --no-index .
COPY dags dags
COPY plugins plugins
COPY deploy/healthy /usr/local/bin/healthy
# An empty configuration of Airflow's own, for it would write one into a folder that is read only when a container runs.
RUN touch airflow.cfg
RUN mkdir -p logs auth cache identities && chown -R airflow:0 logs auth cache identities && chmod -R g=u logs auth cache && chmod 700 identities

USER airflow
# No entrypoint: Airflow's Helm chart and KubernetesExecutor give whole commands.
CMD ["airflow", "version"]
